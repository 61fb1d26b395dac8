/// A package version (deb-version(7)): `[epoch:]upstream[-revision]`, ordered as dpkg orders it.
///
/// Versions that dpkg calls equal are equal here, though their texts differ (`1.0` and `0:1.00-0`).
package struct DebianVersion: Sendable {
  /// The text, as it was given.
  package let description: String
  /// The epoch; 0 if the text names none.
  package let epoch: Int32
  /// The upstream version.
  package let upstream: String
  /// The Debian revision; empty if the text has none.
  package let revision: String

  /// Parses a version.
  /// - Throws: `malformedVersion` if dpkg would refuse or warn about `text`, or if it is longer than 256 bytes.
  package init(_ text: String) throws(DebianPackageError) {
    func refused(_ why: String) -> DebianPackageError {
      DebianPackageError(.malformedVersion, "“\(text)” is not a Debian version: \(why)")
    }
    guard text.utf8.count <= 256 else {
      throw DebianPackageError(.malformedVersion, "a version is longer than 256 bytes")
    }
    var rest = Array(text.utf8)[...]
    if let colon = rest.firstIndex(of: ASCII.colon) {
      let digits = rest[..<colon]
      guard !digits.isEmpty, digits.allSatisfy(ASCII.isDigit),
        let value = Int32(String(decoding: digits, as: UTF8.self))
      else { throw refused("its epoch is not a number up to \(Int32.max)") }
      epoch = value
      rest = rest[(colon + 1)...]
    } else {
      epoch = 0
    }
    if let dash = rest.lastIndex(of: ASCII.minus) {
      let tail = rest[(dash + 1)...]
      guard !tail.isEmpty else { throw refused("nothing follows the last “-”") }
      guard tail.allSatisfy({ Self.isAllowed($0, also: "+.~") }) else {
        throw refused("its revision has a character other than letters, digits and “+.~”")
      }
      revision = String(decoding: tail, as: UTF8.self)
      rest = rest[..<dash]
    } else {
      revision = ""
    }
    guard let first = rest.first, ASCII.isDigit(first) else {
      throw refused("its upstream part does not begin with a digit")
    }
    guard rest.allSatisfy({ Self.isAllowed($0, also: ".+-~:") }) else {
      throw refused("its upstream part has a character other than letters, digits and “.+-~:”")
    }
    upstream = String(decoding: rest, as: UTF8.self)
    description = text
  }

  private static func isAllowed(_ byte: UInt8, also others: StaticString) -> Bool {
    if ASCII.isDigit(byte) || ASCII.isLetter(byte) { return true }
    return others.withUTF8Buffer { $0.contains(byte) }
  }
}

extension DebianVersion: CustomStringConvertible {}

extension DebianVersion: Comparable {
  package static func == (left: DebianVersion, right: DebianVersion) -> Bool {
    left.order(against: right) == 0
  }

  package static func < (left: DebianVersion, right: DebianVersion) -> Bool {
    left.order(against: right) < 0
  }

  /// Negative, zero or positive, as `self` is earlier than, equal to or later than `other`.
  private func order(against other: DebianVersion) -> Int {
    if epoch != other.epoch { return epoch < other.epoch ? -1 : 1 }
    let upstreamOrder = Self.order(upstream, other.upstream)
    return upstreamOrder != 0 ? upstreamOrder : Self.order(revision, other.revision)
  }

  /// Compares by turns a stretch without digits and a stretch of digits.
  private static func order(_ left: String, _ right: String) -> Int {
    var left = Array(left.utf8)[...]
    var right = Array(right.utf8)[...]
    while !left.isEmpty || !right.isEmpty {
      while left.first.map({ !ASCII.isDigit($0) }) ?? false
        || right.first.map({ !ASCII.isDigit($0) }) ?? false
      {
        let difference = weight(left.first) - weight(right.first)
        if difference != 0 { return difference }
        left = left.dropFirst()
        right = right.dropFirst()
      }
      let number = takeNumber(&left)
      let other = takeNumber(&right)
      // Without leading zeros the longer number is the larger; no length overflows.
      if number.count != other.count { return number.count < other.count ? -1 : 1 }
      for (digit, otherDigit) in zip(number, other) where digit != otherDigit {
        return Int(digit) - Int(otherDigit)
      }
    }
    return 0
  }

  /// `~` sorts before the end, the end and digits before letters, letters before everything else.
  private static func weight(_ byte: UInt8?) -> Int {
    guard let byte, !ASCII.isDigit(byte) else { return 0 }
    if byte == ASCII.tilde { return -1 }
    return ASCII.isLetter(byte) ? Int(byte) : Int(byte) + 256
  }

  private static func takeNumber(_ text: inout ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    let number = text.prefix(while: ASCII.isDigit)
    text = text.dropFirst(number.count)
    return number.drop { $0 == 0x30 }
  }
}
