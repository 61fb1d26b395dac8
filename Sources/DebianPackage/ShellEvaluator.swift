/// Walks a parsed script with what is known about a first installation, and stops at the first thing that is not.
struct ShellEvaluator {
  /// How a command ends, as far as it can be told without running it.
  enum Truth {
    case yes
    case no
    /// Either. `material`: it depends on the files that are there, so that a native action must not depend on it.
    case either(material: Bool)
  }

  struct Verdict {
    var truth: Truth
    /// It is true only because there is no earlier version: what depends on it cleans up after one.
    var isCleanup = false

    static let yes = Verdict(truth: .yes)
    static let environment = Verdict(truth: .either(material: false))
    static let files = Verdict(truth: .either(material: true))
  }

  /// A word's value. `nil` text: not known, but harmless.
  struct Value: Equatable {
    var text: String?
    /// It has unquoted characters that a shell would match against the file system.
    var isPattern = false
    /// It holds `$DPKG_ROOT`, which is empty or not, as the caller of dpkg pleases.
    var hasRoot = false
    /// It is `$(command -v PROGRAM)`.
    var program: String?
  }

  /// What differs between branches until they meet again.
  struct State {
    var variables: [String: Value]
    /// An `exit 0` may lie behind us, and files decide whether it does.
    var isUncertain = false
    /// An `exit 0` lies behind us.
    var hasExited = false
  }

  private(set) var actions: [ScriptAction] = []
  /// Whether anything but structure was met.
  private(set) var sawCommand = false
  var state: State
  /// Files decide whether the branch under way is taken.
  private var isMaterial = false
  /// The branch under way is for what an earlier version left behind.
  private(set) var isCleanup = false

  /// - Parameter argument: `$1`; `$2` is empty, as there is no earlier version.
  init(argument: String) {
    state = State(variables: [
      "1": Value(text: argument), "2": Value(text: ""), "DPKG_ROOT": Value(text: "", hasRoot: true),
    ])
  }

  /// Commands one after the other.
  @discardableResult
  mutating func run(_ nodes: [ShellNode]) throws(ShellUnknown) -> Verdict {
    var last = Verdict.yes
    for node in nodes {
      if state.hasExited { return last }
      last = try run(node, tested: false)
    }
    return last
  }

  /// - Parameter tested: the status decides what follows, so that `set -e` does not end the script there.
  mutating func run(_ node: ShellNode, tested: Bool) throws(ShellUnknown) -> Verdict {
    switch node {
    case .opaque(let line):
      throw ShellUnknown(line: line)
    case .simple(let command):
      return try simple(command, tested: tested)
    case .group(let nodes):
      return try tested ? run(single(nodes), tested: true) : run(nodes)
    case .not(let inner):
      switch try run(inner, tested: true).truth {
      case .yes: return Verdict(truth: .no)
      case .no: return .yes
      case .either(let material): return Verdict(truth: .either(material: material))
      }
    case .and(let left, let right):
      return try chain(left, right, isAnd: true, tested: tested)
    case .or(let left, let right):
      return try chain(left, right, isAnd: false, tested: tested)
    case .condition(let clauses, let otherwise):
      try condition(clauses[...], otherwise)
      return .environment
    case .choice(let subject, let items):
      try choice(subject, items)
      return .environment
    }
  }

  /// Notes a command that is understood, and what the builder has to do for it.
  mutating func record(_ new: [ScriptAction], line: Int) throws(ShellUnknown) {
    sawCommand = true
    guard !new.isEmpty else { return }
    // The builder acts once and for all; it cannot follow a script that looks at files first.
    guard !isMaterial, !state.isUncertain else { throw ShellUnknown(line: line) }
    for action in new where !actions.contains(action) { actions.append(action) }
  }

  /// Several commands whose last status is tested: too rare to be worth a rule.
  private func single(_ nodes: [ShellNode]) throws(ShellUnknown) -> ShellNode {
    guard nodes.count == 1 else { throw ShellUnknown(line: nodes.first.map(Self.line) ?? 1) }
    return nodes[0]
  }

  /// Runs `body` as part of a branch, and leaves the branch again.
  private mutating func branch<Result>(
    material: Bool, cleanup: Bool, _ body: (inout ShellEvaluator) throws(ShellUnknown) -> Result
  ) throws(ShellUnknown) -> Result {
    let outer = (isMaterial, isCleanup)
    isMaterial = isMaterial || material
    isCleanup = isCleanup || cleanup
    let result = try body(&self)
    (isMaterial, isCleanup) = outer
    return result
  }

  /// `&&`, which a `no` stops, and `||`, which a `yes` stops.
  private mutating func chain(
    _ left: ShellNode, _ right: ShellNode, isAnd: Bool, tested: Bool
  ) throws(ShellUnknown) -> Verdict {
    let first = try run(left, tested: true)
    if state.hasExited { return first }
    switch first.truth {
    case .yes where !isAnd, .no where isAnd:
      return first
    case .yes, .no:
      var second = try branch(material: false, cleanup: first.isCleanup) {
        (evaluator: inout ShellEvaluator) throws(ShellUnknown) in try evaluator.run(right, tested: tested)
      }
      if isAnd { second.isCleanup = second.isCleanup || first.isCleanup }
      return second
    case .either(let material):
      // “command || exit 1”: what the builder does natively does not fail, or the build does.
      if !isAnd, !material, Self.isFailureExit(right), Self.isCommand(left) { return .environment }
      let before = state
      let second = try branch(material: material, cleanup: first.isCleanup) {
        (evaluator: inout ShellEvaluator) throws(ShellUnknown) in try evaluator.run(right, tested: tested)
      }
      join(before, material: material)
      switch second.truth {
      // “X || true” is true and “X && false” is false, whatever X is.
      case .yes where !isAnd, .no where isAnd: return Verdict(truth: second.truth)
      case .either(let other):
        return Verdict(
          truth: .either(material: material || other),
          isCleanup: isAnd && (first.isCleanup || second.isCleanup))
      case .yes, .no:
        return Verdict(
          truth: .either(material: material), isCleanup: isAnd && (first.isCleanup || second.isCleanup))
      }
    }
  }

  private mutating func condition(
    _ clauses: ArraySlice<(test: [ShellNode], body: [ShellNode])>, _ otherwise: [ShellNode]
  ) throws(ShellUnknown) {
    guard let clause = clauses.first else {
      try run(otherwise)
      return
    }
    let verdict = try run(single(clause.test), tested: true)
    if state.hasExited { return }
    switch verdict.truth {
    case .yes:
      try branch(material: false, cleanup: verdict.isCleanup) {
        (evaluator: inout ShellEvaluator) throws(ShellUnknown) in _ = try evaluator.run(clause.body)
      }
    case .no:
      try condition(clauses.dropFirst(), otherwise)
    case .either(let material):
      let before = state
      try branch(material: material, cleanup: verdict.isCleanup) {
        (evaluator: inout ShellEvaluator) throws(ShellUnknown) in _ = try evaluator.run(clause.body)
      }
      let taken = state
      state = before
      try branch(material: material, cleanup: false) {
        (evaluator: inout ShellEvaluator) throws(ShellUnknown) in
        try evaluator.condition(clauses.dropFirst(), otherwise)
      }
      join(taken, material: material)
    }
  }

  private mutating func choice(
    _ subject: ShellWord, _ items: [(patterns: [ShellWord], body: [ShellNode])]
  ) throws(ShellUnknown) {
    // The subject is neither split nor expanded; a pattern is matched only if it has nothing but “*” alone.
    guard let text = try value(subject).text else { throw ShellUnknown(line: subject.line) }
    for item in items {
      for pattern in item.patterns {
        if pattern.bare == "*" { return _ = try run(item.body) }
        let value = try value(pattern)
        guard !value.isPattern, let candidate = value.text else { throw ShellUnknown(line: pattern.line) }
        if candidate == text { return _ = try run(item.body) }
      }
    }
  }

  /// Two paths meet again: the one in `state` and `other`.
  private mutating func join(_ other: State, material: Bool) {
    let isUncertain = state.isUncertain || other.isUncertain
    if state.hasExited != other.hasExited {
      if state.hasExited { state = other }
      state.isUncertain = isUncertain || material || isMaterial
      return
    }
    for name in Set(state.variables.keys).union(other.variables.keys)
    where state.variables[name] != other.variables[name] {
      state.variables[name] = Value(text: nil)
    }
    state.isUncertain = isUncertain
  }

  private static func isFailureExit(_ node: ShellNode) -> Bool {
    guard case .simple(let command) = node, command.words.count == 2, command.words[0].bare == "exit",
      let status = command.words[1].bare
    else { return false }
    return command.assignments.isEmpty && command.redirects.isEmpty && status.utf8.allSatisfy(ASCII.isDigit)
  }

  private static func isCommand(_ node: ShellNode) -> Bool {
    guard case .simple(let command) = node else { return false }
    return !["[", "test", "command"].contains(command.words.first?.bare ?? "[")
  }

  static func line(_ node: ShellNode) -> Int {
    switch node {
    case .simple(let command): command.line
    case .opaque(let line): line
    case .not(let inner), .and(let inner, _), .or(let inner, _): line(inner)
    case .group(let nodes): nodes.first.map(line) ?? 1
    case .condition(let clauses, _): clauses.first?.test.first.map(line) ?? 1
    case .choice(let subject, _): subject.line
    }
  }
}
