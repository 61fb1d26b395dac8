extension Envelope {
  /// The payload, if at least `threshold` different ones of `keys` have signed it as `payloadType`.
  ///
  /// A signature that is not valid for any of the keys is skipped, as the specification asks; a key counts
  /// once, however often it signed or is listed. Throws `malformed` for another payload type, `threshold` if
  /// too few count (or `threshold` is less than 1).
  package func verify(
    keys: [PublicKey], threshold: Int, payloadType expected: String
  ) throws -> [UInt8] {
    guard payloadType == expected else {
      throw SigningError(
        .malformed, "the envelope holds '\(payloadType.prefix(100))', but '\(expected)' was expected")
    }
    let accepted = acceptedKeys(keys)
    guard threshold >= 1, accepted.count >= threshold else {
      let names = keys.map(\.description).sorted().joined(separator: ", ")
      throw SigningError(
        .threshold,
        "\(accepted.count) of the \(max(threshold, 1)) signatures needed are valid; have it signed with "
          + "\(keys.isEmpty ? "a key that is trusted here: none is" : names)")
    }
    return payload
  }

  /// The different ones of `keys` that have signed, sorted by key identifier.
  package func acceptedKeys(_ keys: [PublicKey]) -> [PublicKey] {
    let message = signedBytes
    var candidates: [[UInt8]: (keyID: String, key: PublicKey)] = [:]
    for key in keys { candidates[key.bytes] = candidates[key.bytes] ?? (key.keyID, key) }
    var accepted: [(keyID: String, key: PublicKey)] = []
    for signature in signatures {
      // The hint only narrows the search; other tools may derive identifiers otherwise.
      let hinted = candidates.values.filter { $0.keyID == signature.keyID }
      let found = (hinted.isEmpty ? Array(candidates.values) : hinted).first {
        $0.key.isValidSignature(signature.bytes, for: message)
      }
      guard let found else { continue }
      candidates[found.key.bytes] = nil
      accepted.append(found)
    }
    return accepted.sorted { $0.keyID < $1.keyID }.map(\.key)
  }
}
