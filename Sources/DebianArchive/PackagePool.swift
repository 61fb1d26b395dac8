internal import CLibsolv
internal import CPosixShim

/// libsolv's pool, filled from verified Packages files.
///
/// libsolv only decides; what is fetched comes from the paragraph itself (``paragraph(of:)``). The order of
/// loading is the order of `indexes`, so the same input always gives the same identifiers and the same
/// answer.
final class PackagePool {
  let pool: UnsafeMutablePointer<Pool>
  let indexes: [PackageIndex]
  private var ranges: [Range<Id>] = []
  private let considered: UnsafeMutablePointer<Map>
  /// Solvables by name, in the order of loading.
  private(set) var byName: [Id: [Id]] = [:]

  /// - Throws: `malformedIndex` if an index cannot be read.
  init(_ indexes: [PackageIndex], architecture: String) throws(ArchiveError) {
    guard let pool = pool_create() else {
      throw ArchiveError(.localStorage, "there is no memory for the solver")
    }
    self.pool = pool
    self.indexes = indexes
    considered = UnsafeMutablePointer<Map>.allocate(capacity: 1)
    considered.initialize(to: Map())
    guard pool_setdisttype(pool, DISTTYPE_DEB) >= 0 else {
      throw ArchiveError(
        .localStorage, "this libsolv cannot read Debian's packages; install Debian's libsolv1")
    }
    pool_setarch(pool, architecture)
    for index in indexes { ranges.append(try load(index)) }
    map_init(considered, pool.pointee.nsolvables)
    for range in ranges {
      for id in range where isInstallable(id) { byName[solvable(id).name, default: []].append(id) }
    }
  }

  deinit {
    pool.pointee.considered = nil
    if considered.pointee.map != nil { map_free(considered) }
    considered.deallocate()
    pool_free(pool)
  }

  private func load(_ index: PackageIndex) throws(ArchiveError) -> Range<Id> {
    let start = pool.pointee.nsolvables
    guard !index.text.isEmpty else { return start..<start }
    let repo = repo_create(pool, index.name)
    let failed = index.text.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress,
        let file = fmemopen(UnsafeMutableRawPointer(mutating: base), bytes.count, "r")
      else { return true }
      defer { fclose(file) }
      return repo_add_debpackages(repo, file, 0) != 0
    }
    if failed { throw ArchiveError(.malformedIndex, "\(index.name): its Packages file cannot be read") }
    return start..<pool.pointee.nsolvables
  }

  /// Restricts solving to these packages, and makes the tables that the solver looks into.
  func consider(_ ids: some Sequence<Id>) {
    map_empty(considered)
    for id in ids { map_set(considered, id) }
    pool.pointee.considered = considered
    pool_freewhatprovides(pool)
    pool_createwhatprovides(pool)
  }

  func solvable(_ id: Id) -> Solvable { pool.pointee.solvables[Int(id)] }

  func string(_ id: Id) -> String {
    pool_id2str(pool, id).map { String(cString: $0) } ?? ""
  }

  func name(of id: Id) -> String { string(solvable(id).name) }
  func version(of id: Id) -> String { string(solvable(id).evr) }
  /// `name version`, for messages.
  func label(of id: Id) -> String { "\(name(of: id)) \(version(of: id))" }

  /// The identifier of a string, without making one; 0 if the pool does not know it.
  func existingID(_ text: String) -> Id { pool_str2id(pool, text, 0) }

  /// Whether a package is of the pool's architecture, or of none.
  private func isInstallable(_ id: Id) -> Bool {
    let solvable = solvable(id)
    let arch = solvable.arch
    guard solvable.repo != nil, solvable.name != 0, let scores = pool.pointee.id2arch else { return false }
    return arch <= pool.pointee.lastarch && scores[Int(arch)] != 0
  }

  /// Less than zero, zero or more, as versions `left` and `right` compare (deb-version(7)).
  func compareVersions(_ left: Id, _ right: Id) -> Int32 {
    left == right ? 0 : pool_evrcmp(pool, left, right, Int32(EVRCMP_COMPARE))
  }

  /// The newest package of a name; of equal versions, the first loaded.
  func newest(of name: Id) -> Id? {
    var best: Id?
    for id in byName[name] ?? [] {
      guard let current = best else {
        best = id
        continue
      }
      if compareVersions(solvable(id).evr, solvable(current).evr) > 0 { best = id }
    }
    return best
  }

  /// The package of a name and version, the first loaded.
  func package(of name: Id, version: String) -> Id? {
    let evr = existingID(version)
    return evr == 0 ? nil : byName[name]?.first { solvable($0).evr == evr }
  }

  /// Takes away all that a package demands: it provides what it provided, and nothing more is pulled in.
  func strip(_ id: Id) {
    let solvable = pool.pointee.solvables + Int(id)
    solvable.pointee.requires = 0
    solvable.pointee.conflicts = 0
    solvable.pointee.obsoletes = 0
    solvable.pointee.recommends = 0
    solvable.pointee.suggests = 0
    solvable.pointee.supplements = 0
    solvable.pointee.enhances = 0
  }

  /// Which index a package is from, and its position there.
  func position(of id: Id) -> (index: Int, number: Int)? {
    for (index, range) in ranges.enumerated() where range.contains(id) {
      return (index, Int(id - range.lowerBound))
    }
    return nil
  }
}
