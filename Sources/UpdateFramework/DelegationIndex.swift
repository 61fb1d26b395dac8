internal import Bytes

/// Finds the delegations that a path falls under without looking at all of them: a pattern's wildcards never
/// cross a slash, so only patterns with the same number of parts and the same parts before the first wildcard
/// can match.
struct DelegationIndex: Sendable {
  private struct Entry: Sendable {
    let position: Int
    let pattern: PathPattern
  }

  private var positions: [ExactString: Int] = [:]
  /// By the literal parts before the first wildcard, and the number of parts.
  private var patterns: [ExactString: [Entry]] = [:]
  /// By a beginning of the hash in lower case; the lengths that occur.
  private var prefixes: [String: [Int]] = [:]
  private var prefixLengths: Set<Int> = []

  init(_ roles: Delegations.Roles) {
    guard case .listed(let listed) = roles else { return }
    for (position, role) in listed.enumerated() {
      if positions[role.name] == nil { positions[role.name] = position }
      switch role.scope {
      case .paths(let texts):
        for text in texts {
          let pattern = PathPattern(text)
          let key = Self.key(pattern.literalParts[...], count: pattern.partCount)
          patterns[key, default: []].append(Entry(position: position, pattern: pattern))
        }
      case .hashPrefixes(let texts):
        for text in texts {
          prefixes[text, default: []].append(position)
          prefixLengths.insert(text.utf8.count)
        }
      }
    }
  }

  /// Where the role of that name stands in the list.
  func position(of name: ExactString) -> Int? { positions[name] }

  /// The positions of all delegations that are trusted with the path, ascending.
  func candidates(for path: String) -> [Int] {
    var found: Set<Int> = []
    if !patterns.isEmpty {
      let parts = path.slashSeparated(omittingEmpty: false)
      for length in 0...parts.count {
        for entry in patterns[Self.key(parts[..<length], count: parts.count)] ?? []
        where !found.contains(entry.position) && entry.pattern.matches(parts) {
          found.insert(entry.position)
        }
      }
    }
    if !prefixLengths.isEmpty {
      let hash = SHA256.digest(of: Array(path.utf8)).hex
      for length in prefixLengths where length <= hash.utf8.count {
        found.formUnion(prefixes[String(hash.prefix(length))] ?? [])
      }
    }
    return found.sorted()
  }

  private static func key(_ literal: ArraySlice<String>, count: Int) -> ExactString {
    ExactString("\(count)/\(literal.count)/\(literal.joined(separator: "/"))")
  }
}
