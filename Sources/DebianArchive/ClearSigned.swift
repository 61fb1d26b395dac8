/// A message in the cleartext signature framework (RFC 9580, section 7), taken apart strictly: one message,
/// nothing before it, nothing after it. What is verified, as a text with a detached signature, is then
/// exactly what is read.
///
///     -----BEGIN PGP SIGNED MESSAGE-----
///     Hash: SHA256
///                                          a blank line
///     text, with "- " before each line that begins with a dash
///     -----BEGIN PGP SIGNATURE-----
///     …
///     -----END PGP SIGNATURE-----
struct ClearSigned {
  /// The signed text, without what is not part of it: blanks at the end of a line, and the last newline.
  let text: [UInt8]
  /// The armored signature.
  let signature: [UInt8]

  /// - Throws: `untrusted`, saying what is out of place in `file`.
  init(_ bytes: [UInt8], file: String) throws(ArchiveError) {
    func refuse(_ what: String) -> ArchiveError {
      ArchiveError(.untrusted, "\(file) \(what); it is not a clean signed file, use another mirror")
    }
    guard !bytes.contains(0) else { throw refuse("holds a NUL byte") }
    var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)[...]
    // The last line ends in a newline.
    if lines.last?.isEmpty == true { lines.removeLast() }
    guard lines.popFirst().map(Self.word) == "-----BEGIN PGP SIGNED MESSAGE-----" else {
      throw refuse("does not begin with a signed message")
    }
    while let line = lines.popFirst(), !Self.word(line).isEmpty {
      guard Self.word(line).hasPrefix("Hash: ") else { throw refuse("has an unknown armor header") }
    }
    guard let begin = lines.firstIndex(where: { Self.word($0) == "-----BEGIN PGP SIGNATURE-----" }) else {
      throw refuse("has no signature")
    }
    var text: [UInt8] = []
    text.reserveCapacity(bytes.count)
    for (index, line) in lines[..<begin].enumerated() {
      var line = Self.trimmed(line)
      if line.first == UInt8(ascii: "-") {
        guard line.starts(with: "- ".utf8) else { throw refuse("has an unescaped dash in its text") }
        line = line.dropFirst(2)
      }
      if index > 0 { text.append(UInt8(ascii: "\n")) }
      text.append(contentsOf: line)
    }
    let armor = lines[begin...]
    guard let end = armor.firstIndex(where: { Self.word($0) == "-----END PGP SIGNATURE-----" }) else {
      throw refuse("has a signature without an end")
    }
    guard armor[(end + 1)...].allSatisfy({ Self.word($0).isEmpty }) else {
      throw refuse("has text after its signature")
    }
    self.text = text
    signature = Array(armor[...end].joined(separator: [UInt8(ascii: "\n")])) + [UInt8(ascii: "\n")]
  }

  /// A line without trailing blanks, for comparison with the framework's own lines.
  private static func word(_ line: ArraySlice<UInt8>) -> String {
    String(decoding: trimmed(line), as: UTF8.self)
  }

  private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var line = line
    while let last = line.last, last == 0x20 || last == 0x09 || last == 0x0d { line.removeLast() }
    return line
  }
}
