internal import CLibsolv

extension PackagePool {
  /// The package that a request names: of the version asked for, or the newest.
  /// - Throws: `unknownPackage` with names that are near, `unknownVersion` with the versions there are.
  func find(_ wanted: SolverRequest.Wanted) throws(ArchiveError) -> Id {
    let name = existingID(wanted.name)
    guard let newest = newest(of: name) else {
      throw unknown(wanted.name, verb: "is asked for by \(wanted.origin), but")
    }
    guard let version = wanted.version else { return newest }
    if let package = package(of: name, version: version) { return package }
    let versions = Set((byName[name] ?? []).map { self.version(of: $0) }).sorted().joined(separator: ", ")
    throw ArchiveError(
      .unknownVersion,
      "\(wanted.origin) asks for \(wanted.name)=\(version), but the archives have \(versions)")
  }

  /// The error for a name that no archive knows.
  func unknown(_ name: String, verb: String) -> ArchiveError {
    var advice = ""
    let id = existingID(name)
    let providers = id == 0 ? [] : Set(virtualProviders(of: id)).sorted()
    if !providers.isEmpty {
      advice = "; \(providers.prefix(5).joined(separator: ", ")) provide it: ask for one of these"
    } else if let near = NearNames.nearest(to: name, among: byName.keys.map(string)) {
      advice = "; did you mean \(near)?"
    }
    return ArchiveError(.unknownPackage, "\(name) \(verb) no archive has a package of that name\(advice)")
  }

  /// The names of packages whose Provides hold `name`. Rare, so it simply looks at all.
  private func virtualProviders(of name: Id) -> [String] {
    var names: [String] = []
    for ids in byName.values {
      for id in ids {
        let solvable = solvable(id)
        guard solvable.provides != 0, let data = solvable.repo?.pointee.idarraydata else { continue }
        var position = Int(solvable.provides)
        while data[position] != 0 {
          if self.name(ofDependency: data[position]) == name { names.append(self.name(of: id)) }
          position += 1
        }
      }
    }
    return names
  }
}
