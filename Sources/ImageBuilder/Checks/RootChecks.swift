internal import Manifest

/// Holds a finished root against every rule: what must not be in a release stops it here.
enum RootChecks {
  /// All findings of all rules that no exception accepts, sorted.
  static func findings(in root: CheckedRoot) async throws -> [Finding] {
    let found = try await concurrentMap(Rule.all) { $0.findings(in: root) }
    return Exceptions(root.declarations.exceptions).filter(
      found.flatMap(\.self), of: Set(Rule.names).subtracting(ReleaseChecks.ruleNames))
  }
}

/// The findings that a manifest accepts.
struct Exceptions {
  private let exceptions: [Located<RuleException>]

  init(_ exceptions: [Located<RuleException>]) {
    self.exceptions = exceptions
  }

  /// What is left, sorted, with a finding for every exception that was needless. An exception for a rule outside
  /// `rules` is somebody else's, unless there is no such rule at all.
  func filter(_ findings: [Finding], of rules: Set<String>) -> [Finding] {
    var left = findings
    for exception in exceptions {
      let count = left.count
      let glob = PathGlob(exception.path)
      left.removeAll {
        $0.rule == exception.rule && ($0.path == exception.path || glob?.matches($0.path) == true)
      }
      guard left.count == count else { continue }
      // A second exception may name what another one took; that is no mistake.
      let isTaken = findings.contains {
        $0.rule == exception.rule && ($0.path == exception.path || glob?.matches($0.path) == true)
      }
      if isTaken { continue }
      if rules.contains(exception.rule) {
        left.append(
          unused(exception, "the exception for \(exception.rule) accepts nothing that is there: remove it"))
      } else if rules.contains(Rule.all[0].name), !Rule.names.contains(exception.rule) {
        left.append(
          unused(
            exception,
            "there is no rule \(exception.rule): the rules are \(Rule.names.joined(separator: ", "))"))
      }
    }
    return Set(left).sorted()
  }

  private func unused(_ exception: Located<RuleException>, _ message: String) -> Finding {
    Finding(rule: "unused-exception", path: exception.path, message: "\(exception.location): \(message)")
  }
}
