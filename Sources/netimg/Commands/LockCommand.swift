internal import ArgumentParser
internal import Bytes
internal import BlobStore
internal import DebianArchive
internal import FoundationEssentials
internal import ImageBuilder
internal import Manifest

/// `netimg lock`
struct LockCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "lock",
    abstract: "Fix every input of an image by its SHA-256, in MANIFEST.lock.json.",
    discussion: flowing(
      """
      Checks the archives' signatures, solves the dependencies, fetches the packages and classifies every
      maintainer script. Versions that are locked already stay unless --update moves them.

      Examples:
        netimg lock manifests/minimal.yaml                     make or complete the lock
        netimg lock manifests/minimal.yaml --update            move everything to the newest version
        netimg lock manifests/minimal.yaml --update systemd    move systemd, and what it needs
        netimg lock manifests/minimal.yaml --check             fail if the lock is not the manifest's, for CI
      """))

  @Argument(help: "The image's manifest.", completion: .file(extensions: ["yaml", "yml"]))
  var manifest: String

  @Flag(help: "Move the packages named, or all if none is, to the newest version.")
  var update = false

  @Argument(help: "With --update: the packages to move.")
  var packages: [String] = []

  @Flag(help: "Write nothing and open no socket; exit with 2 if the lock does not fit the manifest.")
  var check = false

  @OptionGroup var mirrors: MirrorOptions
  @OptionGroup var store: StoreOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if !update, !packages.isEmpty { throw ValidationError("Packages are named after --update.") }
    if check, update { throw ValidationError("--check and --update exclude each other.") }
  }

  func run() async throws {
    let source = try BuildSource(workTreeManifest: manifest)
    if check { return try reportCheck(source) }

    let progress = common.progress()
    let previous = try source.lockBytes.map { try LockFile(decoding: $0, file: source.lockPath) }
    let blobs = try store.open()
    let lease = blobs.lease()
    defer { withExtendedLifetime(lease) {} }
    let fetcher = try Fetcher(mirrors: mirrors.load(), store: blobs) {
      progress.update(done: $0.bytes, total: $0.totalBytes, isBytes: true)
    }
    progress.begin("Reading archives, solving, fetching packages")
    let locker = Locker(
      fetcher: fetcher,
      loader: IndexLoader(
        fetcher: fetcher, verifier: try SignatureVerifier(environment: ProcessInfo.processInfo.environment)))
    let outcome = try await locker.lock(source.image, previous: previous, update: selection)
    progress.end()

    let path = "\(try WorkTree.enclosing(manifest: manifest).tree.root)/\(source.lockPath)"
    let bytes = outcome.lock.encoded()
    if bytes != source.lockBytes { try Data(bytes).write(to: URL(fileURLWithPath: path), options: .atomic) }
    for warning in outcome.warnings { Console.error("Note: \(warning)") }
    report(outcome.lock, previous: previous, path: source.lockPath, changed: bytes != source.lockBytes)
  }

  private var selection: Locker.Update {
    guard update else { return .none }
    return packages.isEmpty ? .all : .names(Set(packages))
  }

  private func reportCheck(_ source: BuildSource) throws {
    let (lock, _) = try source.lock()
    let findings = lock.check(against: source.image)
    if common.json {
      Console.json(CheckReport(lock: source.lockPath, fits: findings.isEmpty, findings: findings))
    } else if findings.isEmpty {
      Console.out("\(source.lockPath) fits \(source.image.manifestPath): \(lock.packages.count) packages")
    } else {
      for finding in findings { Console.error("\(source.lockPath): \(finding)") }
      Console.error("Run netimg lock \(manifest), review the difference, and commit it.")
    }
    if !findings.isEmpty { throw ExitCode(ExitStatus.difference) }
  }

  private func report(_ lock: LockFile, previous: LockFile?, path: String, changed: Bool) {
    let before = Dictionary((previous?.packages ?? []).map { ($0.name, $0.version) }) { first, _ in first }
    let after = Dictionary(lock.packages.map { ($0.name, $0.version) }) { first, _ in first }
    let report = LockReport(
      lock: path, changed: changed, packages: lock.packages.count,
      bytes: lock.packages.reduce(0) { $0 + $1.size },
      added: after.keys.filter { before[$0] == nil }.sorted(),
      removed: before.keys.filter { after[$0] == nil }.sorted(),
      moved: after.keys.filter { before[$0] != nil && before[$0] != after[$0] }.sorted().map {
        LockReport.Move(name: $0, from: before[$0] ?? "", to: after[$0] ?? "")
      })
    if common.json { return Console.json(report) }
    Console.out(
      "\(path): \(report.packages) packages, \(Quantity.bytes(report.bytes))\(changed ? "" : ", unchanged")")
    guard previous != nil else { return }
    for name in report.added { Console.out("  + \(name) \(after[name] ?? "")") }
    for name in report.removed { Console.out("  - \(name) \(before[name] ?? "")") }
    for move in report.moved { Console.out("  \(move.name) \(move.from) → \(move.to)") }
  }
}

/// What `netimg lock --check --json` prints.
private struct CheckReport: Encodable {
  let lock: String
  let fits: Bool
  let findings: [String]
}

/// What `netimg lock --json` prints.
private struct LockReport: Encodable {
  struct Move: Encodable {
    let name: String
    let from: String
    let to: String
  }

  let lock: String
  let changed: Bool
  let packages: Int
  let bytes: Int
  let added: [String]
  let removed: [String]
  let moved: [Move]
}
