internal import CLibsolv

extension SolverProblem {
  /// A conflict in words: for each problem, the chain from who asks to what cannot be had.
  func explain(_ conflict: Conflict) -> [String] {
    var sentences: [String] = []
    for rules in conflict.rules {
      let sentence = explain(rules)
      if !sentences.contains(sentence) { sentences.append(sentence) }
    }
    return sentences.isEmpty ? ["the packages cannot be installed together"] : sentences
  }

  private func explain(_ rules: [Rule]) -> String {
    let chains = chains(rules)
    func chain(to id: Id) -> String { (chains[id] ?? []).joined(separator: "; ") }
    func joined(_ parts: String...) -> String { parts.filter { !$0.isEmpty }.joined(separator: "; ") }
    for rule in rules where rule.kind == SOLVER_RULE_PKG_NOTHING_PROVIDES_DEP {
      return joined(
        chain(to: rule.from), "\(pool.label(of: rule.from)) needs \(missing(rule.dependency))")
    }
    for rule in rules
    where rule.kind == SOLVER_RULE_PKG_CONFLICTS || rule.kind == SOLVER_RULE_PKG_OBSOLETES {
      return joined(
        chain(to: rule.from),
        "\(pool.label(of: rule.from)) conflicts with \(pool.text(ofDependency: rule.dependency))",
        "\(pool.label(of: rule.to)) is wanted too: \(chain(to: rule.to))",
        "exclude one of them, with a reason, or ask for another version")
    }
    for rule in rules where rule.kind == SOLVER_RULE_PKG_SAME_NAME {
      return joined(
        chain(to: rule.from), chain(to: rule.to),
        "\(pool.label(of: rule.from)) and \(pool.label(of: rule.to)) cannot both be installed")
    }
    for rule in rules where rule.kind == SOLVER_RULE_PKG_SELF_CONFLICT {
      return joined(chain(to: rule.from), "\(pool.label(of: rule.from)) conflicts with itself")
    }
    for rule in rules where rule.kind == SOLVER_RULE_PKG_NOT_INSTALLABLE {
      return joined(
        chain(to: rule.from), "\(pool.label(of: rule.from)) is not for \(request.architecture)")
    }
    let names = Set(rules.map(\.from).filter { $0 > SYSTEMSOLVABLE }).map(pool.label).sorted()
    return "these packages cannot be installed together: \(names.joined(separator: ", "))"
  }

  /// A dependency that no considered package meets, and what comes nearest.
  private func missing(_ dependency: Id) -> String {
    var text = "\(pool.text(ofDependency: dependency)), which no archive offers"
    for alternative in pool.alternatives(of: dependency) {
      let name = pool.name(ofDependency: alternative)
      guard let newest = pool.newest(of: name) else { continue }
      let pin = request.wanted.first { $0.name == pool.string(name) && $0.version != nil }
      text +=
        pin.map { " beside \($0.name) \($0.version ?? ""), which \($0.origin) insists on" }
        ?? " (the newest \(pool.string(name)) is \(pool.version(of: newest)))"
    }
    return text
  }

  /// For each package that the rules speak of, the shortest chain from who asks for it.
  private func chains(_ rules: [Rule]) -> [Id: [String]] {
    var edges: [Id: [Id]] = [:]
    for rule in rules where rule.kind == SOLVER_RULE_PKG_REQUIRES {
      edges[rule.from, default: []].append(rule.dependency)
    }
    let narrow = walk { edges[$0] ?? [] }
    let ends = rules.flatMap { [$0.from, $0.to] }.filter { $0 > SYSTEMSOLVABLE }
    if ends.allSatisfy({ narrow[$0] != nil }) { return narrow }
    // libsolv's proof may leave out steps that it took for granted.
    return narrow.merging(walk(pool.requirements)) { proof, _ in proof }
  }

  private func walk(_ dependencies: (Id) -> [Id]) -> [Id: [String]] {
    var chains: [Id: [String]] = [:]
    var queue: [Id] = []
    for (wanted, root) in zip(request.wanted, currentRoots) where chains[root] == nil {
      chains[root] = ["\(wanted.origin) asks for \(wanted.name)"]
      queue.append(root)
    }
    var next = 0
    while next < queue.count {
      let id = queue[next]
      next += 1
      for dependency in dependencies(id) {
        for provider in pool.providers(of: dependency) where chains[provider] == nil {
          chains[provider] =
            (chains[id] ?? []) + ["\(pool.label(of: id)) needs \(pool.text(ofDependency: dependency))"]
          queue.append(provider)
        }
      }
    }
    return chains
  }
}
