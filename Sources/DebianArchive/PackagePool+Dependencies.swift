internal import CLibsolv

extension PackagePool {
  /// A package's dependencies (Depends and Pre-Depends), in the order of its paragraph.
  func requirements(of id: Id) -> [Id] {
    let solvable = solvable(id)
    guard solvable.requires != 0, let data = solvable.repo?.pointee.idarraydata else { return [] }
    var requirements: [Id] = []
    var position = Int(solvable.requires)
    while data[position] != 0 {
      // The marker separates Depends from Pre-Depends, which makes no difference here.
      if data[position] != Id(SOLVABLE_PREREQMARKER.rawValue) { requirements.append(data[position]) }
      position += 1
    }
    return requirements
  }

  /// The considered packages that meet a dependency, by identifier.
  func providers(of dependency: Id) -> [Id] {
    guard let data = pool.pointee.whatprovidesdata else { return [] }
    var position = Int(pool_whatprovides(pool, dependency))
    var providers: [Id] = []
    while data[position] != 0 {
      if data[position] != SYSTEMSOLVABLE { providers.append(data[position]) }
      position += 1
    }
    return providers
  }

  private func relation(_ dependency: Id) -> Reldep? {
    let bits = UInt32(bitPattern: dependency)
    guard bits & 0x8000_0000 != 0 else { return nil }
    return pool.pointee.rels[Int(bits & 0x7fff_ffff)]
  }

  /// The alternatives of `a | b | c`, in their order.
  func alternatives(of dependency: Id) -> [Id] {
    var alternatives: [Id] = []
    var rest = dependency
    while let relation = relation(rest), relation.flags == REL_OR {
      alternatives.append(relation.name)
      rest = relation.evr
    }
    return alternatives + [rest]
  }

  /// The name that a single alternative asks for, without version and architecture.
  func name(ofDependency dependency: Id) -> Id {
    var rest = dependency
    while let relation = relation(rest) { rest = relation.name }
    return rest
  }

  /// A dependency as Debian's control files write it: `libc6 (>= 2.38)`, `python3:any`, `a | b`.
  func text(ofDependency dependency: Id) -> String {
    alternatives(of: dependency).map(simpleText).joined(separator: " | ")
  }

  private func simpleText(_ dependency: Id) -> String {
    guard let relation = relation(dependency) else { return string(dependency) }
    let name = simpleText(relation.name)
    switch relation.flags {
    case REL_MULTIARCH: return "\(name):\(string(relation.evr))"
    case REL_GT: return "\(name) (>> \(string(relation.evr)))"
    case REL_EQ: return "\(name) (= \(string(relation.evr)))"
    case REL_LT: return "\(name) (<< \(string(relation.evr)))"
    case REL_GT | REL_EQ: return "\(name) (>= \(string(relation.evr)))"
    case REL_LT | REL_EQ: return "\(name) (<= \(string(relation.evr)))"
    default: return String(cString: pool_dep2str(pool, dependency))
    }
  }
}
