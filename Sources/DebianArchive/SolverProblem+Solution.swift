internal import Bytes
internal import CLibsolv

extension SolverProblem {
  /// Describes the packages that were chosen: where each is, and why it is here.
  func solution(_ chosen: [Id]) throws(ArchiveError) -> Solution {
    let installed = Set(chosen)
    let reasons = reasons(among: installed)
    // What nothing asked for has no business in the image.
    let image = chosen.filter { !excluded.contains(pool.solvable($0).name) && reasons[$0] != nil }
    let inImage = Set(image)
    var extra: [Id: [String]] = [:]
    for (wanted, id) in zip(request.buildOnly, buildOnly.map(current))
    where !inImage.contains(id) && extra[id] == nil {
      extra[id] = ["\(wanted.origin) asks for \(wanted.name) to build with"]
    }
    let locations = try pool.locations(of: image + extra.keys.sorted())
    func describe(_ id: Id, _ why: [String]) throws(ArchiveError) -> SolvedPackage {
      guard let location = locations[id] else {
        throw ArchiveError(.malformedIndex, "\(pool.label(of: id)) is in no index; use another mirror")
      }
      return SolvedPackage(
        name: pool.name(of: id), version: pool.version(of: id), architecture: location.architecture,
        archive: location.index.archive, path: location.path, size: location.size, digest: location.digest,
        source: location.source, why: why)
    }
    var packages: [SolvedPackage] = []
    for id in image { packages.append(try describe(id, reasons[id] ?? [])) }
    var others: [SolvedPackage] = []
    for (id, why) in extra { others.append(try describe(id, why)) }
    let used = Set(chosen.map { pool.solvable($0).name })
    return Solution(
      packages: packages.sorted { $0.name < $1.name }, buildOnly: others.sorted { $0.name < $1.name },
      unneededExclusions: excluded.subtracting(used).map(pool.string).sorted())
  }

  /// For each package that can be reached from those asked for, the shortest chain of reasons. Breadth first,
  /// in the order of the request and of the control files, so that it never depends on chance.
  private func reasons(among installed: Set<Id>) -> [Id: [String]] {
    var reasons: [Id: [String]] = [:]
    var queue: [Id] = []
    for (wanted, root) in zip(request.wanted, currentRoots) where reasons[root] == nil {
      let version = wanted.version.map { "=\($0)" } ?? ""
      reasons[root] = ["\(wanted.origin) asks for \(wanted.name)\(version)"]
      queue.append(root)
    }
    var next = 0
    while next < queue.count {
      let id = queue[next]
      next += 1
      for dependency in pool.requirements(of: id) {
        for provider in pool.providers(of: dependency)
        where installed.contains(provider) && reasons[provider] == nil {
          reasons[provider] =
            (reasons[id] ?? []) + ["\(pool.name(of: id)) needs \(pool.text(ofDependency: dependency))"]
          queue.append(provider)
        }
      }
    }
    return reasons
  }
}
