/// Takes words from a line as systemd's configuration readers do: blanks separate, quotes of both kinds group and may
/// begin anywhere in a word, a backslash escapes.
struct WordScanner {
  /// What a backslash means.
  enum Escapes {
    /// The next byte stands for itself.
    case literal
    /// Nothing: it stays, and so does what follows.
    case retained
    /// C escapes: `\n`, `\x2f`, `\057`, `\u00e9`, `\s` for a space, and so on.
    case c
  }

  private(set) var rest: ArraySlice<UInt8>
  private let escapes: Escapes

  init(_ line: ArraySlice<UInt8>, escapes: Escapes) {
    rest = line
    self.escapes = escapes
  }

  /// Why a word cannot be taken, as a clause.
  struct Failure: Error { let reason: String }

  /// The next word, which may be empty if it was quoted; `nil` at the line's end.
  mutating func next() throws(Failure) -> [UInt8]? {
    while let first = rest.first, isBlank(first) { rest = rest.dropFirst() }
    guard !rest.isEmpty else { return nil }
    var word: [UInt8] = []
    var quote: UInt8?
    while let byte = rest.first {
      rest = rest.dropFirst()
      switch (byte, quote) {
      case (UInt8(ascii: "\\"), _): word += try takeEscape()
      case (UInt8(ascii: "\""), nil), (UInt8(ascii: "'"), nil): quote = byte
      case (_, byte): quote = nil
      case (_, nil) where isBlank(byte):
        // What follows may be an argument that is taken as it stands.
        while let blank = rest.first, isBlank(blank) { rest = rest.dropFirst() }
        return word
      default: word.append(byte)
      }
    }
    guard quote == nil else { throw Failure(reason: "a quotation mark without its partner") }
    return word
  }

  private mutating func takeEscape() throws(Failure) -> [UInt8] {
    switch escapes {
    case .literal:
      guard let byte = rest.first else { throw Failure(reason: "a backslash at the end of the line") }
      rest = rest.dropFirst()
      return [byte]
    case .retained:
      return [UInt8(ascii: "\\")]
    case .c:
      guard let (bytes, count) = CEscape.decode(rest) else {
        throw Failure(reason: "a backslash that begins no escape sequence")
      }
      rest = rest.dropFirst(count)
      return bytes
    }
  }
}

/// systemd's escape sequences in the manner of C (`cunescape`).
enum CEscape {
  /// The bytes that the sequence after a backslash stands for, and its length; `nil` if it is none, or stands for NUL.
  static func decode(_ text: ArraySlice<UInt8>) -> (bytes: [UInt8], count: Int)? {
    guard let first = text.first else { return nil }
    if let byte = simple[first] { return ([byte], 1) }
    switch first {
    case UInt8(ascii: "x"): return number(text.dropFirst(), digits: 2, base: 16).map { ([UInt8($0)], 3) }
    case UInt8(ascii: "u"): return scalar(text, digits: 4)
    case UInt8(ascii: "U"): return scalar(text, digits: 8)
    case UInt8(ascii: "0")...UInt8(ascii: "3"):
      return number(text, digits: 3, base: 8).map { ([UInt8($0)], 3) }
    default: return nil
    }
  }

  /// The whole text with every escape replaced; `nil` if there is a bad one.
  static func decodeAll(_ text: ArraySlice<UInt8>) -> [UInt8]? {
    var result: [UInt8] = []
    var rest = text
    while let byte = rest.first {
      rest = rest.dropFirst()
      guard byte == UInt8(ascii: "\\") else {
        result.append(byte)
        continue
      }
      guard let (bytes, count) = decode(rest) else { return nil }
      result += bytes
      rest = rest.dropFirst(count)
    }
    return result
  }

  private static let simple: [UInt8: UInt8] = [
    UInt8(ascii: "a"): 0x07, UInt8(ascii: "b"): 0x08, UInt8(ascii: "f"): 0x0C, UInt8(ascii: "n"): 0x0A,
    UInt8(ascii: "r"): 0x0D, UInt8(ascii: "t"): 0x09, UInt8(ascii: "v"): 0x0B, UInt8(ascii: "\\"): 0x5C,
    UInt8(ascii: "\""): 0x22, UInt8(ascii: "'"): 0x27, UInt8(ascii: "s"): 0x20,
  ]

  private static func number(_ text: ArraySlice<UInt8>, digits: Int, base: Int) -> Int? {
    guard text.count >= digits else { return nil }
    let digitsText = text.prefix(digits)
    guard !digitsText.contains(where: { $0 == UInt8(ascii: "+") || $0 == UInt8(ascii: "-") }) else {
      return nil
    }
    return Int(digitsText.text, radix: base).flatMap { $0 > 0 ? $0 : nil }
  }

  private static func scalar(_ text: ArraySlice<UInt8>, digits: Int) -> ([UInt8], Int)? {
    number(text.dropFirst(), digits: digits, base: 16).flatMap { UInt32(exactly: $0) }
      .flatMap(Unicode.Scalar.init).map { (Array(String(Character($0)).utf8), digits + 1) }
  }
}
