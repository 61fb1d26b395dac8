package import Bytes

/// Who of a role has signed.
package struct SignatureTally: Sendable {
  /// The identifiers of keys whose signatures are right and count, sorted.
  package fileprivate(set) var keyIDs: [ExactString] = []
  /// How many count: different keys, or different people.
  package fileprivate(set) var count = 0
  /// How many must.
  package let threshold: Int
  /// Whether people are counted.
  package let countsPeople: Bool

  /// Whether enough have signed.
  package var isMet: Bool { count >= threshold }
}

extension Metadata {
  /// Counts the signatures of a role's keys. A key counts once, under whatever identifiers it is listed and
  /// however often it signs; where the role counts people, a person counts once, and a key of nobody not at
  /// all.
  package func tally(_ role: RoleKeys, keys: [ExactString: VerificationKey]) -> SignatureTally {
    var tally = SignatureTally(threshold: role.threshold, countsPeople: role.people != nil)
    var seenKeys: Set<[UInt8]> = []
    var seenPeople: Set<ExactString> = []
    let texts = Dictionary(signatures.map { ($0.keyID, $0.text) }) { first, _ in first }
    for keyID in role.keyIDs {
      guard let text = texts[keyID], let key = keys[keyID], let signature = Hex.decode(text),
        let identity = key.signer(of: signature, for: signedBytes), seenKeys.insert(identity).inserted
      else { continue }
      if let people = role.people {
        guard let person = people[keyID], seenPeople.insert(ExactString(person)).inserted else { continue }
      }
      tally.keyIDs.append(keyID)
      tally.count += 1
    }
    tally.keyIDs.sort()
    return tally
  }

  /// Whether the signature under this identifier is the key's.
  package func isSigned(by key: VerificationKey, as keyID: ExactString) -> Bool {
    guard let text = signatures.first(where: { $0.keyID == keyID })?.text, let bytes = Hex.decode(text) else {
      return false
    }
    return key.isValidSignature(bytes, for: signedBytes)
  }

  /// Checks that enough of the role's keys have signed.
  /// - Parameter delegator: Who named the keys, for the error.
  /// - Throws: `threshold`.
  func check(
    _ role: RoleKeys, keys: [ExactString: VerificationKey], name: String, delegator: String
  ) throws(UpdateError) {
    let tally = tally(role, keys: keys)
    guard tally.isMet else {
      throw UpdateError(
        .threshold, role: name, version: signed.header.version,
        "\(tally.count) of the \(tally.threshold) \(tally.countsPeople ? "people" : "keys") that "
          + "\(UpdateError.printable(delegator)) demands have signed it",
        remedy: "the mirror lies, or its publisher forgot somebody: use another mirror, or ask")
    }
  }
}
