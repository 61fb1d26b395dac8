internal import Bytes

/// A shell pattern for paths (specification 4.5, PATHPATTERN): `*`, `?` and `[…]` match within one part of a
/// path, by code points, as fnmatch does. Nothing else is special, and a leading dot is like any other.
struct PathPattern: Sendable {
  private enum Token: Sendable, Equatable {
    case literal(Unicode.Scalar)
    case anything
    case one
    case oneOf([ClosedRange<UInt32>], isNegated: Bool)
  }

  private let parts: [[Token]]
  /// The parts before the first one with a wildcard.
  let literalParts: [String]
  var partCount: Int { parts.count }

  init(_ text: String) {
    let texts = text.slashSeparated(omittingEmpty: false)
    parts = texts.map(Self.tokens)
    let literal = parts.prefix { part in
      part.allSatisfy { if case .literal = $0 { true } else { false } }
    }
    literalParts = Array(texts.prefix(literal.count))
  }

  /// Whether a path that was cut at its slashes matches.
  func matches(_ path: [String]) -> Bool {
    path.count == parts.count && zip(path, parts).allSatisfy { Self.matches(Array($0.unicodeScalars), $1) }
  }

  private static func tokens(_ text: String) -> [Token] {
    let scalars = Array(text.unicodeScalars)
    var tokens: [Token] = []
    var index = 0
    while index < scalars.count {
      let scalar = scalars[index]
      index += 1
      switch scalar {
      case "*": if tokens.last != .anything { tokens.append(.anything) }
      case "?": tokens.append(.one)
      case "[":
        if let (token, next) = oneOf(scalars, from: index) {
          tokens.append(token)
          index = next
        } else {
          tokens.append(.literal("["))
        }
      default: tokens.append(.literal(scalar))
      }
    }
    return tokens
  }

  /// Reads what follows a `[`; `nil` if no `]` does.
  private static func oneOf(_ scalars: [Unicode.Scalar], from start: Int) -> (Token, Int)? {
    var index = start
    let isNegated = index < scalars.count && scalars[index] == "!"
    if isNegated { index += 1 }
    let first = index
    // A ] right at the beginning stands for itself.
    guard let end = scalars.indices.first(where: { $0 > first && scalars[$0] == "]" }) else { return nil }
    var ranges: [ClosedRange<UInt32>] = []
    while index < end {
      let low = scalars[index].value
      if index + 2 < end, scalars[index + 1] == "-" {
        let high = scalars[index + 2].value
        if low <= high { ranges.append(low...high) }
        index += 3
      } else {
        ranges.append(low...low)
        index += 1
      }
    }
    return (.oneOf(ranges, isNegated: isNegated), end + 1)
  }

  /// Goes back to the last `*` only, so that the time is at most the product of both lengths.
  private static func matches(_ text: [Unicode.Scalar], _ tokens: [Token]) -> Bool {
    var (position, token) = (0, 0)
    var retry: (token: Int, position: Int)?
    while position < text.count {
      if token < tokens.count, tokens[token] == .anything {
        retry = (token, position)
        token += 1
      } else if token < tokens.count, accepts(tokens[token], text[position]) {
        token += 1
        position += 1
      } else if let last = retry {
        retry = (last.token, last.position + 1)
        (token, position) = (last.token + 1, last.position + 1)
      } else {
        return false
      }
    }
    return tokens[token...].allSatisfy { $0 == .anything }
  }

  private static func accepts(_ token: Token, _ scalar: Unicode.Scalar) -> Bool {
    switch token {
    case .literal(let expected): scalar == expected
    case .anything: false
    case .one: true
    case .oneOf(let ranges, let isNegated): ranges.contains { $0.contains(scalar.value) } != isNegated
    }
  }
}
