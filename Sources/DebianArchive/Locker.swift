package import Manifest
internal import BlobStore
internal import Bytes
internal import DebianPackage

/// Makes the lock file of an image: trusted metadata, a consistent set of packages, and a verdict on every
/// maintainer script in it.
package struct Locker: Sendable {
  /// Which versions may move.
  package enum Update: Sendable, Equatable {
    /// Only what the manifest forces: everything else keeps its version.
    case none
    /// Everything moves to the newest version.
    case all
    /// These packages move, and what they need.
    case names(Set<String>)
  }

  /// A lock and what is worth knowing about it.
  package struct Outcome: Sendable, Equatable {
    package let lock: LockFile
    /// Sentences: exclusions and reviews that nothing needs, mirrors that misbehaved.
    package let warnings: [String]
  }

  private let fetcher: Fetcher
  private let loader: IndexLoader

  package init(fetcher: Fetcher, loader: IndexLoader) {
    self.fetcher = fetcher
    self.loader = loader
  }

  /// Locks an image.
  /// - Parameter previous: the lock to start from: its versions are kept as far as `update` and the archives
  ///   allow, and metadata older than its own is refused.
  /// - Throws: `ArchiveError` or `StoreError`; `unreviewedScript` lists every script that needs a person.
  package func lock(
    _ image: ComposedImage, previous: LockFile? = nil, update: Update = .none
  ) async throws -> Outcome {
    try Self.check(update, previous)
    let suites = try await loader.load(
      image.suite.value, architecture: image.architecture.value, previous: previous?.archives ?? [])
    let request = Self.request(image, previous, update)
    let solution = try PackageSolver.solve(request, over: suites.flatMap(\.indexes))
    let ofImage = solution.packages.map { Chosen(package: $0, role: .image) }
    let chosen = ofImage + solution.buildOnly.map { Chosen(package: $0, role: .build) }
    try await fetcher.fetch(chosen.map(\.package.fetchItem))
    let (packages, warnings) = try await judge(chosen, image)
    let lock = LockFile(
      image: image.name, architecture: image.architecture.value.rawValue, inputs: LockFile.inputs(of: image),
      archives: suites.map(Self.archive), packages: packages)
    let unneeded = solution.unneededExclusions.map { name in
      "excluding \(name) changes nothing: no package needs it; remove it from packages.exclude"
    }
    return Outcome(lock: lock, warnings: unneeded + warnings + fetcher.notes)
  }

  private struct Chosen: Sendable {
    let package: SolvedPackage
    let role: LockFile.Role
  }

  private static func check(_ update: Update, _ previous: LockFile?) throws(ArchiveError) {
    guard case .names(let names) = update, let previous else { return }
    let known = previous.packages.map(\.name)
    for name in names.sorted() where !known.contains(name) {
      let near = NearNames.nearest(to: name, among: known).map { "; did you mean \($0)?" } ?? ""
      throw ArchiveError(.unknownPackage, "\(name) is to be updated, but it is not in the lock\(near)")
    }
  }

  private static func request(_ image: ComposedImage, _ previous: LockFile?, _ update: Update)
    -> SolverRequest
  {
    var wanted = image.declarations.includedPackages.map { request in
      SolverRequest.Wanted(
        name: request.value.name, version: request.value.version, origin: request.origin.description)
    }
    let kernel = image.kernelPackage
    wanted.append(SolverRequest.Wanted(name: kernel.value, origin: kernel.origin.description))
    var request = SolverRequest(architecture: image.architecture.value.rawValue, wanted: wanted)
    let stub = image.stubPackage
    request.buildOnly = [SolverRequest.Wanted(name: stub.value, origin: stub.origin.description)]
    request.excluded = image.declarations.excludedPackages.map { $0.value.package }
    if update != .all {
      for package in previous?.packages ?? [] { request.preferred[package.name] = package.version }
    }
    if case .names(let names) = update { for name in names { request.preferred[name] = nil } }
    return request
  }

  private static func archive(_ suite: SuiteIndexes) -> LockFile.Archive {
    LockFile.Archive(
      archive: suite.source.archive, suite: suite.source.suite, codename: suite.codename,
      version: suite.version,
      date: suite.date, digest: suite.digest)
  }

  /// Opens every package of the image and judges its scripts.
  private func judge(
    _ chosen: [Chosen], _ image: ComposedImage
  ) async throws -> (packages: [LockFile.Package], warnings: [String]) {
    let judge = ScriptJudge(reviews: image.declarations.scripts)
    let verdicts = try await withThrowingTaskGroup(of: (Int, ScriptJudge.Verdict).self) { group in
      for (index, entry) in chosen.enumerated() where entry.role == .image {
        group.addTask {
          let bytes = try await fetcher.contents(of: entry.package.fetchItem)
          return (index, try judge.verdict(on: bytes, of: entry.package))
        }
      }
      var verdicts: [Int: ScriptJudge.Verdict] = [:]
      for try await (index, verdict) in group { verdicts[index] = verdict }
      return verdicts
    }
    let ordered = chosen.indices.compactMap { verdicts[$0] }
    try judge.refuseUnreviewed(ordered.flatMap(\.findings), image: image.name, store: fetcher.store)
    let packages = chosen.enumerated().map { index, entry in
      LockFile.Package(
        entry.package, role: entry.role, scripts: verdicts[index]?.scripts ?? [],
        triggers: verdicts[index]?.triggers ?? [])
    }
    return (packages, judge.unusedReviews(ordered))
  }
}

extension SolvedPackage {
  /// The package's file, for the fetcher.
  package var fetchItem: FetchItem {
    let file = path.split(separator: "/").last.map(String.init) ?? name
    return FetchItem(name: file, archive: archive, paths: [path], size: size, digest: digest)
  }
}
