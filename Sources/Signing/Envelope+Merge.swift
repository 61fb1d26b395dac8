extension Envelope {
  /// This envelope with the signatures of another one added, as far as there is room; of one key, this one's stays.
  /// - Returns: `nil` if the other one is about something else.
  package func adding(signaturesOf other: Envelope) -> Envelope? {
    guard other.payload == payload, other.payloadType == payloadType else { return nil }
    let known = Set(signatures.map(\.keyID)).subtracting([""])
    let added = other.signatures.filter { !known.contains($0.keyID) && !signatures.contains($0) }
    let all = signatures + added.prefix(max(0, Self.maximumSignatures - signatures.count))
    return Envelope(
      payloadType: payloadType, payload: payload, signatures: all.sorted { $0.keyID < $1.keyID })
  }
}
