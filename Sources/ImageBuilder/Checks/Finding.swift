/// Something in an image that one of the build's rules forbids.
package struct Finding: Sendable, Hashable, Codable {
  /// The rule's name, as exceptions write it.
  package let rule: String
  /// The absolute path in the image that it is about.
  package let path: String
  /// What is wrong there, and what to do.
  package let message: String

  package init(rule: String, path: String, message: String) {
    self.rule = rule
    self.path = path
    self.message = message
  }
}

extension Finding: Comparable {
  /// By rule, then path, then message, in byte order.
  package static func < (left: Finding, right: Finding) -> Bool {
    for (left, right) in [(left.rule, right.rule), (left.path, right.path)] where left != right {
      return left.utf8.lexicographicallyPrecedes(right.utf8)
    }
    return left.message.utf8.lexicographicallyPrecedes(right.message.utf8)
  }
}

extension Finding: CustomStringConvertible {
  package var description: String { "\(rule): \(path): \(message)" }
}

extension BuildError {
  /// The refusal of an image: every finding, a line each, then what can be done.
  static func policy(_ findings: [Finding]) -> BuildError {
    let lines = findings.map(\.description)
    let count = findings.count == 1 ? "1 finding" : "\(findings.count) findings"
    return BuildError(
      .policy,
      (lines + ["\(count): mend each, or accept it with a reason under exceptions (docs/checks.md)"])
        .joined(separator: "\n"),
      findings: findings)
  }
}
