/// A pattern over absolute paths: `*` stands for any run of characters within a component, `?` for one
/// character, and a component `**` for any number of components. Everything else stands for itself.
///
/// `/usr/share/doc/**` matches everything below `/usr/share/doc`, but not that directory itself.
package struct PathGlob: Sendable, Hashable, CustomStringConvertible {
  /// The pattern as it was written.
  package let pattern: String
  private let components: [Component]

  private enum Component: Sendable, Hashable {
    case anyDepth
    case name([UInt8])
  }

  /// Parses a pattern; `nil` if it is not absolute, has an empty, `.` or `..` component, ends in `/`, or has
  /// `**` beside other characters in a component.
  package init?(_ pattern: String) {
    var parts = Array(pattern.utf8).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard parts.count >= 2, parts.removeFirst().isEmpty, !pattern.utf8.contains(0) else { return nil }
    var components: [Component] = []
    for part in parts {
      if part.elementsEqual("**".utf8) {
        // Two in a row match what one does.
        if components.last != .anyDepth { components.append(.anyDepth) }
        continue
      }
      let isDots = part.elementsEqual(".".utf8) || part.elementsEqual("..".utf8)
      guard !part.isEmpty, !isDots, !Self.hasDoubleStar(part) else { return nil }
      components.append(.name(Array(part)))
    }
    self.pattern = pattern
    self.components = components
  }

  package var description: String { pattern }

  /// Whether an absolute path matches. The cost is at most the product of the two lengths.
  package func matches(_ path: String) -> Bool {
    var parts = Array(path.utf8).split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard parts.count >= 2, parts.removeFirst().isEmpty else { return false }
    var pattern = 0
    var part = 0
    // The newest `**` is the only one worth going back to: an earlier one could not match more.
    var resume: (pattern: Int, part: Int)?
    while part < parts.count {
      if pattern < components.count, case .anyDepth = components[pattern] {
        resume = (pattern + 1, part)
        pattern += 1
      } else if pattern < components.count, case .name(let name) = components[pattern],
        Self.matches(name[...], parts[part])
      {
        pattern += 1
        part += 1
      } else if let last = resume {
        resume = (last.pattern, last.part + 1)
        (pattern, part) = (last.pattern, last.part + 1)
      } else {
        return false
      }
    }
    // A `**` at the end wants at least one component, or it would match its own directory.
    if pattern == components.count { return true }
    return false
  }

  private static func hasDoubleStar(_ part: ArraySlice<UInt8>) -> Bool {
    zip(part, part.dropFirst()).contains { $0 == UInt8(ascii: "*") && $1 == UInt8(ascii: "*") }
  }

  /// Whether one component matches: the usual scan that goes back to the newest `*`.
  private static func matches(_ pattern: ArraySlice<UInt8>, _ text: ArraySlice<UInt8>) -> Bool {
    var (pattern, text) = (pattern, text)
    var resume: (pattern: ArraySlice<UInt8>, text: ArraySlice<UInt8>)?
    while let byte = text.first {
      if pattern.first == UInt8(ascii: "*") {
        pattern = pattern.dropFirst()
        resume = (pattern, text)
      } else if pattern.first == UInt8(ascii: "?") {
        pattern = pattern.dropFirst()
        text = droppingCharacter(text)
      } else if pattern.first == byte {
        pattern = pattern.dropFirst()
        text = text.dropFirst()
      } else if let last = resume {
        pattern = last.pattern
        text = last.text.dropFirst()
        resume = (pattern, text)
      } else {
        return false
      }
    }
    return pattern.allSatisfy { $0 == UInt8(ascii: "*") }
  }

  /// Without its first code point: a byte that begins one, and the continuation bytes after it.
  private static func droppingCharacter(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    text.dropFirst().drop { $0 & 0b1100_0000 == 0b1000_0000 }
  }
}
