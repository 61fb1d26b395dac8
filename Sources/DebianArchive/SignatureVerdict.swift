/// What a verifier's report comes down to.
enum SignatureVerdict: Equatable {
  case good
  /// A signature does not match the text: somebody changed it.
  case bad
  /// Only keys that have expired, or were revoked, signed.
  case staleKey
  /// No signature is by a key of the keyring; the key identifiers that were seen.
  case unknownKey([String])

  /// Reads gpgv's status lines (GnuPG's doc/DETAILS). A signature counts if its block has GOODSIG *and*
  /// VALIDSIG: expired and revoked keys have EXPKEYSIG or REVKEYSIG instead of the former, expired signatures
  /// EXPSIG.
  init(gpgvStatus: String) {
    var isGood = false
    var blockIsGood = false
    var sawStale = false
    var unknown: [String] = []
    for line in gpgvStatus.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count >= 2, words[0] == "[GNUPG:]" else { continue }
      switch words[1] {
      case "NEWSIG": blockIsGood = false
      case "GOODSIG": blockIsGood = true
      case "VALIDSIG": isGood = isGood || blockIsGood
      case "EXPSIG", "EXPKEYSIG", "REVKEYSIG":
        blockIsGood = false
        sawStale = true
      case "BADSIG":
        self = .bad
        return
      case "NO_PUBKEY": if words.count > 2 { unknown.append(String(words[2])) }
      default: break
      }
    }
    self = isGood ? .good : sawStale ? .staleKey : .unknownKey(unknown)
  }

  /// Why the text is not trusted, or `nil` if it is.
  var refusal: String? {
    switch self {
    case .good: nil
    case .bad: "its text was changed after it was signed"
    case .staleKey: "the key that signed it has expired or was revoked"
    case .unknownKey(let keys):
      keys.isEmpty
        ? "it has no valid signature"
        : "it is signed by \(keys.sorted().joined(separator: ", ")), which the keyring does not hold"
    }
  }
}
