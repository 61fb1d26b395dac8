/// Reads DER from outside, element by element: definite minimal lengths and one-byte tags only, every length checked.
struct DERReader {
  /// An element: its content, and all of it with tag and length.
  struct Element {
    let tag: UInt8
    let content: ArraySlice<UInt8>
    let encoded: ArraySlice<UInt8>
  }

  private var rest: ArraySlice<UInt8>
  /// What is being read, in the words of its specification: for errors.
  private let name: String

  init(_ bytes: ArraySlice<UInt8>, _ name: String) {
    rest = bytes
    self.name = name
  }

  /// The inside of an element.
  init(_ element: Element, _ name: String) { self.init(element.content, name) }

  var isAtEnd: Bool { rest.isEmpty }

  /// Bytes that are left.
  var remaining: Int { rest.count }

  /// The tag of the next element, `nil` at the end.
  var nextTag: UInt8? { rest.first }

  func corrupt(_ what: String) -> SecureBootError {
    SecureBootError(.malformed, "\(name): \(what); fetch or make the file again")
  }

  /// The next element, which must have that tag.
  mutating func next(_ tag: UInt8, _ field: String) throws(SecureBootError) -> Element {
    if let found = rest.first, found != tag {
      throw corrupt("\(field) has the tag \(found) instead of \(tag)")
    }
    return try next(field)
  }

  /// The next element, whatever it is.
  mutating func next(_ field: String) throws(SecureBootError) -> Element {
    guard let found = rest.first, rest.count >= 2 else { throw corrupt("\(field) is missing") }
    guard found & 0x1F != 0x1F else { throw corrupt("\(field) has a tag of several bytes") }
    var length = Int(rest[rest.startIndex + 1])
    var header = 2
    if length >= 0x80 {
      let count = length & 0x7F
      guard (1...4).contains(count), rest.count >= 2 + count else { throw corrupt("\(field) has no length") }
      length = rest[rest.startIndex + 2..<rest.startIndex + 2 + count].reduce(0) { $0 << 8 | Int($1) }
      guard length >= 0x80, count == 1 || length >> (8 * (count - 1)) != 0 else {
        throw corrupt("\(field) has a length that is longer than need be")
      }
      header += count
    }
    guard length <= rest.count - header else {
      throw corrupt("\(field) has \(length) bytes, but only \(rest.count - header) are left")
    }
    let start = rest.startIndex
    let end = start + header + length
    defer { rest = rest[end...] }
    return Element(tag: found, content: rest[start + header..<end], encoded: rest[start..<end])
  }

  /// The next element if it has that tag.
  mutating func nextIfPresent(_ tag: UInt8, _ field: String) throws(SecureBootError) -> Element? {
    nextTag == tag ? try next(tag, field) : nil
  }

  /// Nothing may follow.
  func end() throws(SecureBootError) {
    guard isAtEnd else { throw corrupt("\(rest.count) bytes follow its end") }
  }
}
