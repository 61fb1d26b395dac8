internal import ArgumentParser
internal import BlobStore
internal import Bytes
internal import DebianArchive
internal import FrameFormat
internal import FoundationEssentials
internal import ImageBuilder
internal import Manifest
internal import Provenance

/// `netimg build`
struct BuildCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build",
    abstract: "Make a release from a manifest and its lock file.",
    discussion: """
      Nothing of any package is executed, and no privilege is needed. The same manifest, lock file and netimg
      give the same bytes everywhere.

      Examples:
        netimg build manifests/minimal.yaml
        netimg build manifests/edge-router.yaml --signer build --output out/router
        netimg build manifests/edge-router.yaml --git-ref v1.2 --offline --json
      """)

  @Argument(help: "The image's manifest.", completion: .file(extensions: ["yaml", "yml"]))
  var manifest: String

  @Option(name: [.short, .long], help: "The release's directory (default: out/NAME-VERSION).")
  var output: String?

  @Flag(help: "Replace a release that is already at the output.")
  var replace = false

  @Option(
    name: .long,
    help: ArgumentHelp("Build a revision of the git repository instead of the work tree.", valueName: "ref"))
  var gitRef: String?

  @Flag(help: "Never open a socket: every package must be in the store.")
  var offline = false

  @Option(
    name: .long,
    help: ArgumentHelp("zstd's level for the root image, 1 (fast) to 19 (small).", valueName: "level"))
  var compression = 12

  @Option(
    name: .long,
    help: ArgumentHelp("The static netimg-init (default: beside netimg itself).", valueName: "file"),
    completion: .file())
  var stage0: String?

  @OptionGroup var signing: SigningOptions
  @OptionGroup var mirrors: MirrorOptions
  @OptionGroup var store: StoreOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...19).contains(compression) else { throw ValidationError("--compression is 1 to 19.") }
    if offline, !mirrors.mirror.isEmpty {
      throw ValidationError("--offline and --mirror exclude each other.")
    }
  }

  func run() async throws {
    let started = ContinuousClock.now
    let progress = common.progress()
    let source =
      try gitRef.map { try BuildSource(gitReference: $0, manifest: manifest) }
      ?? BuildSource(workTreeManifest: manifest)
    let (lock, lockDigest) = try source.lock()
    let version = try source.version()
    let directory = output ?? "out/\(source.image.name)-\(version)"
    if !replace, FileManager.default.fileExists(atPath: directory) {
      throw BuildError(.inputOutput, "\(directory) is already there: give --replace or another --output")
    }
    let inputs = BuildInputs(
      image: source.image, lock: lock, lockDigest: lockDigest, stage0: try StageZeroLocation.read(stage0),
      version: version, timestamp: source.timestamp(lock: lock), commit: source.revision?.commit,
      isDirty: source.isDirty, compressionLevel: compression)
    // A key that does not open should not cost a build first.
    let signer = try await signing.open()

    let blobs = try store.open()
    var notes = try await fetch(lock, into: blobs, progress)
    if !FrameCodec.isPinned {
      notes.append(
        "this netimg compresses with zstd \(FrameCodec.encoder), not \(FrameCodec.pinnedEncoder): the release will have "
          + "other digests than elsewhere; make build links the right one")
    }
    let release: BuiltRelease
    do {
      do {
        release = try await ImageBuild.run(inputs, store: blobs) { progress.begin($0.rawValue) }
      } catch let error as BuildError {
        // A damaged entry looks present until it is read, which moves it away: fetch it again, once.
        guard error.code == .missingInput, !offline else { throw error }
        notes += try await fetch(lock, into: blobs, progress)
        release = try await ImageBuild.run(inputs, store: blobs) { progress.begin($0.rawValue) }
      }
    } catch let error as BuildError {
      guard common.json, error.code == .policy else { throw error }
      Console.json(Refusal(name: inputs.image.name, version: version, findings: error.findings))
      throw ExitCode(ExitStatus.data)
    }

    progress.begin(BuildPhase.writing.rawValue)
    try await release.write(to: directory, signer: signer, replacing: replace) { temporary in
      Interruption.remember(temporary)
    }
    progress.end()
    for note in notes { Console.error("Note: \(note)") }
    report(release, directory: directory, isSigned: signer != nil, elapsed: ContinuousClock.now - started)
  }

  /// Brings what the store lacks; offline, lists it in the error. Gives notes about mirrors.
  private func fetch(_ lock: LockFile, into store: BlobStore, _ progress: Progress) async throws -> [String] {
    if !offline { progress.begin("Fetching packages") }
    return try await PackageFetcher.fetchAll(
      lock, store: store, mirrors: offline ? MirrorConfiguration(sources: []) : mirrors.load(),
      isOffline: offline
    ) { progress.update(done: $0.bytes, total: $0.totalBytes, isBytes: true) }
  }

  private func report(_ built: BuiltRelease, directory: String, isSigned: Bool, elapsed: Duration) {
    let release = built.release
    let uki = release.artifacts.first { $0.name == ReleaseFile.uki }?.size ?? 0
    if common.json {
      Console.json(
        BuildReport(
          release: directory, digest: built.digest.hex, name: release.name, version: release.version,
          rootHash: release.root.hash, pcr11: release.pcr11.boot, ukiSize: uki, imageSize: release.root.size,
          signed: isSigned, seconds: elapsed.inSeconds))
      return
    }
    Console.out(
      """
      \(directory): \(release.name) \(release.version)
        release    sha256:\(built.digest.hex)\(isSigned ? ", signed" : ", not signed")
        root hash  \(release.root.hash)
        UKI        \(Quantity.bytes(Int(uki))), root image \(Quantity.bytes(Int(release.root.size))) in \(release.root.frames) frames
        built in   \(Quantity.seconds(elapsed))
      """)
  }
}

/// What `netimg build --json` prints if the image breaks a rule.
private struct Refusal: Encodable {
  let name: String
  let version: String
  let findings: [Finding]
}

/// What `netimg build --json` prints.
private struct BuildReport: Encodable {
  let release: String
  let digest: String
  let name: String
  let version: String
  let rootHash: String
  let pcr11: String
  let ukiSize: UInt64
  let imageSize: UInt64
  let signed: Bool
  let seconds: Double
}
