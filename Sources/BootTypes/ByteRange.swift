/// The `Range` header (RFC 9110, section 14.2), as far as it is honoured: one range of bytes.
package enum ByteRange: Sendable, Hashable {
  /// All of it: there is no such header, or it asks for something else. Several ranges are answered with the whole,
  /// which the RFC allows: thousands of overlapping ones must not multiply the work.
  case whole
  case part(Range<Int>)
  /// Nothing of the representation lies in the range: 416.
  case unsatisfiable

  /// - Parameters:
  ///   - header: The header's value.
  ///   - size: How many bytes there are.
  package static func parse(_ header: String?, size: Int) -> ByteRange {
    guard let header, header.utf8.count <= 64, header.lowercased().hasPrefix("bytes=") else { return .whole }
    let parts = header.dropFirst(6).split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let first = number(parts[0]), let last = number(parts[1]) else { return .whole }
    switch (first, last) {
    case (.none, .none): return .whole
    case (.none, .some(let count)):
      guard count > 0, size > 0 else { return .unsatisfiable }
      return .part(max(0, size - count)..<size)
    case (.some(let first), .none): return first < size ? .part(first..<size) : .unsatisfiable
    case (.some(let first), .some(let last)):
      guard first <= last else { return .whole }
      return first < size ? .part(first..<min(last, size - 1) + 1) : .unsatisfiable
    }
  }

  /// A number of at most 18 digits; `.some(nil)` for no digits; `nil` for anything else.
  private static func number(_ text: Substring) -> Int?? {
    let digits = text.utf8.filter { $0 != 0x20 }
    guard digits.count <= 18, digits.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return digits.isEmpty ? .some(nil) : .some(Int(String(decoding: digits, as: UTF8.self)))
  }
}
