internal import CLibsolv

/// Chooses packages: the newest version of each name, unless one is asked for or preferred; no
/// recommendations; the first alternative of a dependency that can be had; essential packages are not
/// implied.
package enum PackageSolver {
  /// Solves a request over the indexes. The same indexes in the same order give the same answer.
  /// - Throws: `unknownPackage`, `unknownVersion`, `unsolvable` (explained as chains of dependencies) or
  ///   `malformedIndex`.
  package static func solve(
    _ request: SolverRequest, over indexes: [PackageIndex]
  ) throws(ArchiveError) -> Solution {
    let pool = try PackagePool(indexes, architecture: request.architecture)
    var problem = try SolverProblem(request, pool)
    while true {
      switch problem.attempt() {
      case .solved(let chosen): return try problem.solution(chosen)
      case .failed(let conflict):
        // Preferences yield one by one, and only those that are in the way.
        if problem.relaxPreferences(conflict) { continue }
        let reasons = problem.explain(conflict)
        throw ArchiveError(.unsolvable, reasons.joined(separator: "\n"))
      }
    }
  }
}

/// One request over one pool.
struct SolverProblem {
  let request: SolverRequest
  let pool: PackagePool
  /// The package that each of `request.wanted` stands for, in that order.
  let roots: [Id]
  let buildOnly: [Id]
  let excluded: Set<Id>
  private let candidates: [Id: Id]
  private var preferred: [Id: Id] = [:]

  /// Why an attempt failed: for each problem, the rules that contradict each other.
  struct Conflict {
    var rules: [[Rule]]
  }

  /// One reason in libsolv's proof.
  struct Rule {
    let kind: SolverRuleinfo
    let from: Id
    let to: Id
    let dependency: Id
  }

  enum Attempt {
    case solved([Id])
    case failed(Conflict)
  }

  init(_ request: SolverRequest, _ pool: PackagePool) throws(ArchiveError) {
    self.request = request
    self.pool = pool
    var candidates: [Id: Id] = [:]
    for name in pool.byName.keys { candidates[name] = pool.newest(of: name) }
    var failures: [ArchiveError] = []
    var pinned: Set<Id> = []
    func find(_ wanted: SolverRequest.Wanted) -> Id? {
      do throws(ArchiveError) {
        let found = try pool.find(wanted)
        if wanted.version != nil { pinned.insert(pool.solvable(found).name) }
        candidates[pool.solvable(found).name] = found
        return found
      } catch {
        failures.append(error)
        return nil
      }
    }
    // Versions that are asked for first: a name may be wanted twice, once with a version.
    for wanted in request.wanted + request.buildOnly where wanted.version != nil { _ = find(wanted) }
    func root(_ wanted: SolverRequest.Wanted) -> Id? {
      let name = pool.existingID(wanted.name)
      return pinned.contains(name) ? candidates[name] : find(wanted)
    }
    // Failures of these come up again below.
    failures = []
    roots = request.wanted.compactMap(root)
    buildOnly = request.buildOnly.compactMap(root)
    var excluded: Set<Id> = []
    for name in request.excluded {
      let id = pool.existingID(name)
      if pool.byName[id] == nil {
        failures.append(pool.unknown(name, verb: "is excluded, but"))
      } else {
        excluded.insert(id)
      }
    }
    if let first = failures.first {
      throw ArchiveError(first.code, Self.unique(failures.map(\.description)).joined(separator: "\n"))
    }
    self.excluded = excluded
    self.candidates = candidates
    for (name, version) in request.preferred {
      let id = pool.existingID(name)
      guard !pinned.contains(id), let package = pool.package(of: id, version: version) else { continue }
      if package != candidates[id] { preferred[id] = package }
    }
    for name in excluded { for id in pool.byName[name] ?? [] { pool.strip(id) } }
  }

  private static func unique(_ sentences: [String]) -> [String] {
    var seen: Set<String> = []
    return sentences.filter { seen.insert($0).inserted }
  }

  /// The package that stands for a name in this attempt.
  private func candidate(_ name: Id) -> Id? { preferred[name] ?? candidates[name] }

  /// A package in this attempt's version.
  func current(_ root: Id) -> Id { candidate(pool.solvable(root).name) ?? root }

  /// The packages asked for, in this attempt's versions.
  var currentRoots: [Id] { roots.map(current) }

  /// Tries to solve with the present preferences.
  func attempt() -> Attempt {
    pool.consider(candidates.keys.compactMap { candidate($0) })
    var jobs = Queue()
    queue_init(&jobs)
    defer { queue_free(&jobs) }
    for root in currentRoots { queue_push2(&jobs, Id(SOLVER_INSTALL | SOLVER_SOLVABLE), root) }
    var favoured = Queue()
    queue_init(&favoured)
    defer { queue_free(&favoured) }
    for id in firstAlternatives().sorted() { queue_push(&favoured, id) }
    if favoured.count > 0 {
      queue_push2(
        &jobs, Id(SOLVER_FAVOR | SOLVER_SOLVABLE_ONE_OF), pool_queuetowhatprovides(pool.pool, &favoured))
    }
    let solver = solver_create(pool.pool)
    defer { solver_free(solver) }
    solver_set_flag(solver, SOLVER_FLAG_IGNORE_RECOMMENDED, 1)
    guard solver_solve(solver, &jobs) == 0 else { return .failed(conflict(solver)) }
    var decisions = Queue()
    queue_init(&decisions)
    defer { queue_free(&decisions) }
    solver_get_decisionqueue(solver, &decisions)
    return .solved((0..<Int(decisions.count)).map { decisions.elements[$0] }.filter { $0 > SYSTEMSOLVABLE })
  }

  /// What a reader of the control files would install: libsolv takes any alternative for as good as another,
  /// Debian means the first that can be had.
  private func firstAlternatives() -> Set<Id> {
    var chosen: Set<Id> = []
    var queue = currentRoots
    var next = 0
    chosen.formUnion(queue)
    while next < queue.count {
      let id = queue[next]
      next += 1
      for dependency in pool.requirements(of: id) {
        if pool.providers(of: dependency).contains(where: chosen.contains) { continue }
        for alternative in pool.alternatives(of: dependency) {
          guard let provider = preferredProvider(of: alternative) else { continue }
          chosen.insert(provider)
          queue.append(provider)
          break
        }
      }
    }
    return chosen
  }

  /// The package of the name itself, or of those that provide it the first by name.
  private func preferredProvider(of alternative: Id) -> Id? {
    let name = pool.name(ofDependency: alternative)
    let providers = pool.providers(of: alternative)
    return providers.first { pool.solvable($0).name == name }
      ?? providers.min { pool.name(of: $0) < pool.name(of: $1) }
  }

  private func conflict(_ solver: UnsafeMutablePointer<Solver>?) -> Conflict {
    var conflict = Conflict(rules: [])
    let count = solver_problem_count(solver)
    guard count > 0 else { return conflict }
    for problem in 1...Id(count) {
      var ids = Queue()
      queue_init(&ids)
      defer { queue_free(&ids) }
      solver_findallproblemrules(solver, problem, &ids)
      var rules: [Rule] = []
      for index in 0..<Int(ids.count) {
        var (from, to, dependency): (Id, Id, Id) = (0, 0, 0)
        let kind = solver_ruleinfo(solver, ids.elements[index], &from, &to, &dependency)
        rules.append(Rule(kind: kind, from: from, to: to, dependency: dependency))
      }
      conflict.rules.append(rules)
    }
    return conflict
  }

  /// Gives up the preferences that a conflict involves, or all if it involves none; false if none are left.
  mutating func relaxPreferences(_ conflict: Conflict) -> Bool {
    guard !preferred.isEmpty else { return false }
    var involved: Set<Id> = []
    for rule in conflict.rules.joined() {
      for id in [rule.from, rule.to] where id > 0 && id < pool.pool.pointee.nsolvables {
        involved.insert(pool.solvable(id).name)
      }
      guard rule.dependency != 0 else { continue }
      for alternative in pool.alternatives(of: rule.dependency) {
        involved.insert(pool.name(ofDependency: alternative))
      }
    }
    let before = preferred.count
    preferred = preferred.filter { !involved.contains($0.key) }
    if preferred.count == before { preferred = [:] }
    return true
  }
}
