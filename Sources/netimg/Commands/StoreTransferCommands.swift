internal import ArgumentParser
internal import BlobStore
internal import Bytes
internal import DebianArchive
internal import FoundationEssentials
internal import Glibc
internal import ImageBuilder

/// `netimg store export`
struct StoreExportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "export", abstract: "Write packages, or the whole store, to one file.",
    discussion: flowing(
      """
      With --for or --lock: the packages of these locks, all that an offline build of them needs. Without: everything,
      with what builds derived from packages, as a cache for CI. The file is a tar archive; the same contents give
      the same bytes. netimg store import reads it.

      Examples:
        netimg store export router.tar --for manifests/edge-router.yaml
        netimg store export - | zstd -3 > cache.tar.zst
      """))

  @Argument(help: "The file to write; - is standard output.", completion: .file(extensions: ["tar"]))
  var file: String

  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("A manifest whose packages to write; may repeat.", valueName: "manifest"))
  var manifests: [String] = []

  @Option(
    name: .customLong("lock"),
    help: ArgumentHelp("A lock file whose packages to write; may repeat.", valueName: "lock"))
  var locks: [String] = []

  @OptionGroup var store: StoreOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if common.json, file == "-" {
      throw ValidationError("--json and the archive cannot share standard output.")
    }
  }

  func run() throws {
    let blobs = try store.open()
    let lease = blobs.lease()
    defer { withExtendedLifetime(lease) {} }
    let digests = try packages(in: blobs)
    let progress = common.progress()
    progress.begin("Exporting")
    let output = try OutputFile(file)
    let result = try blobs.exportArchive(digests) {
      progress.update(done: $0, total: $1, isBytes: false)
    } write: {
      try output.write($0)
    }
    try output.commit()
    progress.end()
    if common.json {
      Console.json(Report(file: file, blobs: result.blobs, records: result.records, bytes: result.bytes))
    } else if file != "-" {
      Console.out(
        "\(file): \(result.blobs) blobs, \(result.records) records, \(Quantity.bytes(result.bytes))")
    }
  }

  /// The packages of all locks; `nil` if none was asked for. What is missing is listed.
  private func packages(in store: BlobStore) throws -> [SHA256Digest]? {
    guard !manifests.isEmpty || !locks.isEmpty else { return nil }
    var all = try manifests.flatMap { try BuildSource(workTreeManifest: $0).lock().lock.packages }
    for path in locks {
      guard let data = FileManager.default.contents(atPath: path) else {
        throw BuildError(.missingInput, "\(path) is not there, or cannot be read")
      }
      all += try LockFile(decoding: [UInt8](data), file: path).packages
    }
    let missing = all.filter { !store.contains($0.digest, size: $0.size) }
    guard missing.isEmpty else {
      let names = Set(missing.map { "\n  \($0.name) \($0.version)" }).sorted().joined()
      throw BuildError(
        .missingInput, "packages are not in the store; build once without --offline to fetch them:\(names)")
    }
    return all.map(\.digest)
  }

  private struct Report: Encodable {
    let file: String
    let blobs: Int
    let records: Int
    let bytes: Int
  }
}

/// `netimg store import`
struct StoreImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import", abstract: "Take an export into the store.",
    discussion: flowing(
      """
      Every digest is checked, and nothing is taken unless the whole archive is good. Packages need no trust: the lock
      file names their digests. What builds derived from packages does, since it ends up in images: it is
      taken only with --trust.

      Examples:
        netimg store import router.tar
        zstd -dc cache.tar.zst | netimg store import - --trust
      """))

  @Argument(help: "The export; - is standard input.", completion: .file(extensions: ["tar"]))
  var file: String

  @Flag(help: "Also take what builds derived from packages: only from whom you would take a finished image.")
  var trust = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    let blobs = try store.open()
    let lease = blobs.lease()
    defer { withExtendedLifetime(lease) {} }
    let progress = common.progress()
    progress.begin("Importing")
    let input = try InputFile(file)
    let result = try blobs.importArchive(
      acceptsRecords: trust, announce: { Interruption.remember($0) },
      progress: { progress.update(done: $0, total: input.size, isBytes: true) },
      read: { try input.read($0) })
    progress.end()
    if common.json {
      Console.json(
        Report(
          store: blobs.root, blobs: result.blobs, bytes: result.bytes, present: result.present,
          records: result.records, recordsSkipped: result.recordsSkipped))
      return
    }
    Console.out(
      "\(blobs.root): \(result.blobs) new blobs, \(Quantity.bytes(result.bytes)); \(result.present) were here; \(result.records) records"
    )
    if result.recordsSkipped > 0 {
      Console.error(
        "Note: \(result.recordsSkipped) records were left out: give --trust if they may decide what images hold"
      )
    }
  }

  private struct Report: Encodable {
    let store: String
    let blobs: Int
    let bytes: Int
    let present: Int
    let records: Int
    let recordsSkipped: Int
  }
}
