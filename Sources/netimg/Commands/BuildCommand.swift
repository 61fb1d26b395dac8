internal import ArgumentParser
internal import BlobStore
internal import Bytes
internal import DebianArchive
internal import FrameFormat
internal import FoundationEssentials
internal import ImageBuilder
internal import Manifest
internal import Provenance
internal import Signing

/// `netimg build`
struct BuildCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "build",
    abstract: "Make a release from a manifest and its lock file.",
    discussion: flowing(
      """
      Nothing of any package is executed, and no privilege is needed. The same manifest, lock file and netimg
      give the same bytes everywhere. A build costs what changed since the last one (docs/store.md); where nothing
      did, a release that is already at the output is only checked.

      Examples:
        netimg build manifests/minimal.yaml
        netimg build manifests/minimal.yaml --compression release --replace
        netimg build manifests/edge-router.yaml --signer build --output out/router
        netimg build manifests/edge-router.yaml --git-ref v1.2 --offline --json
        netimg build manifests/edge-router.yaml --git-ref v1.2 --verify-against out/router
      """))

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
    help: ArgumentHelp(
      "How hard to compress the root image: fast (the default), balanced, release (smallest, takes minutes where all is new), or zstd's level 1 to 19. Part of what decides the bytes.",
      valueName: "level"))
  var compression: CompressionLevel?

  @Flag(help: "Make everything anew from the packages: nothing that earlier builds left in the store counts.")
  var noCache = false

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Rebuild from the packages alone and say which input or byte of this release differs; exit with 2 if any does. Writes nothing without --output.",
      valueName: "release"), completion: .directory)
  var verifyAgainst: String?

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
    if offline, !mirrors.mirror.isEmpty {
      throw ValidationError("--offline and --mirror exclude each other.")
    }
    if verifyAgainst != nil, signing.signer != nil {
      throw ValidationError("--verify-against signs nothing: leave --signer out.")
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
    // What a release says of its making is what a rebuild of it does, unless told otherwise.
    let recorded = try verifyAgainst.map { try ReleaseReader($0).release.builder.compressionLevel }
    let level = compression?.level ?? recorded ?? CompressionLevel.fast.level
    guard (1...19).contains(level) else {
      throw BuildError(.verification, "\(verifyAgainst ?? ""): its compression level is none of 1 to 19")
    }
    let inputs = BuildInputs(
      image: source.image, lock: lock, lockDigest: lockDigest, stage0: try StageZeroLocation.read(stage0),
      version: version, timestamp: source.timestamp(lock: lock), commit: source.revision?.commit,
      isDirty: source.isDirty, compressionLevel: level)
    let blobs = try store.open()
    // Whoever collects garbage meanwhile spares what this build uses.
    let lease = blobs.lease(for: lock.packages.map(\.digest))
    defer { withExtendedLifetime(lease) {} }
    if let verifyAgainst { return try await compare(inputs, with: verifyAgainst, blobs, progress) }
    let cache = ReleaseCache(store: blobs)
    let key = RunningProgram.digest.map { inputs.key(program: $0) }
    let kept = noCache ? nil : try key.flatMap { try cache.kept($0) }
    func report(_ release: Release, _ digest: SHA256Digest, _ origin: Origin) {
      progress.end()
      self.report(release, digest, origin, at: directory, elapsed: ContinuousClock.now - started)
    }

    if FileManager.default.fileExists(atPath: directory) {
      if let kept, try await isIntact(kept, at: directory) {
        return report(kept.release, kept.digest, .unchanged)
      }
      guard replace else {
        throw BuildError(.inputOutput, "\(directory) is already there: give --replace or another --output")
      }
    }
    // A key that does not open should not cost a build first.
    let signer = try await signing.open()
    if let kept, let release = try await cache.restore(kept) {
      try await write(release, to: directory, signer, progress)
      return report(release.release, release.digest, .store)
    }
    let (release, notes) = try await build(inputs, blobs, progress, usesKept: !noCache)
    if let key { cache.keep(release, as: key) }
    try await write(release, to: directory, signer, progress)
    report(release.release, release.digest, .packages)
    for note in notes { Console.error("Note: \(note)") }
  }

  /// Whether the output already is the release that these inputs make, signatures included.
  private func isIntact(_ kept: KeptRelease, at directory: String) async throws -> Bool {
    guard signing.signer != nil else { return await kept.isIntact(at: directory, signedBy: nil) }
    // Without its public key at hand, a signer is asked to sign again.
    guard let key = try signing.publicKey() else { return false }
    return await kept.isIntact(at: directory, signedBy: key)
  }

  /// Fetches what is missing and builds; gives notes about mirrors.
  func build(
    _ inputs: BuildInputs, _ blobs: BlobStore, _ progress: Progress, usesKept: Bool
  ) async throws -> (release: BuiltRelease, notes: [String]) {
    func run() async throws -> BuiltRelease {
      try await ImageBuild.run(inputs, store: blobs, usesKept: usesKept) { progress.begin($0.rawValue) }
    }
    var notes = try await fetch(inputs.lock, into: blobs, progress)
    if !FrameCodec.isPinned {
      notes.append(
        "this netimg compresses with zstd \(FrameCodec.encoder), not \(FrameCodec.pinnedEncoder): the release will have "
          + "other digests than elsewhere; make build links the right one")
    }
    do {
      do {
        return (try await run(), notes)
      } catch let error as BuildError {
        // A damaged entry looks present until it is read, which moves it away: fetch it again, once.
        guard error.code == .missingInput, !offline else { throw error }
        notes += try await fetch(inputs.lock, into: blobs, progress)
        return (try await run(), notes)
      }
    } catch let error as BuildError {
      guard common.json, error.code == .policy else { throw error }
      Console.json(
        Refusal(name: inputs.image.name, version: inputs.version, findings: error.findings))
      throw ExitCode(ExitStatus.data)
    }
  }

  private func write(
    _ release: BuiltRelease, to directory: String, _ signer: (any Signer)?, _ progress: Progress
  ) async throws {
    progress.begin(BuildPhase.writing.rawValue)
    try await release.write(to: directory, signer: signer, replacing: replace) { temporary in
      Interruption.remember(temporary)
    }
  }

  /// Brings what the store lacks; offline, lists it in the error. Gives notes about mirrors.
  private func fetch(_ lock: LockFile, into store: BlobStore, _ progress: Progress) async throws -> [String] {
    if !offline { progress.begin("Fetching packages") }
    return try await PackageFetcher.fetchAll(
      lock, store: store, mirrors: offline ? MirrorConfiguration(sources: []) : mirrors.load(),
      isOffline: offline
    ) { progress.update(done: $0.bytes, total: $0.totalBytes, isBytes: true) }
  }

  private func report(
    _ release: Release, _ digest: SHA256Digest, _ origin: Origin, at directory: String, elapsed: Duration
  ) {
    let isSigned = signing.signer != nil
    let uki = release.artifacts.first { $0.name == ReleaseFile.uki }?.size ?? 0
    if common.json {
      Console.json(
        BuildReport(
          release: directory, digest: digest.hex, name: release.name, version: release.version,
          rootHash: release.root.hash, pcr11: release.pcr11.boot, ukiSize: uki, imageSize: release.root.size,
          signed: isSigned, origin: origin, seconds: elapsed.inSeconds))
      return
    }
    Console.out(
      """
      \(directory): \(release.name) \(release.version)\(origin.remark)
        release    sha256:\(digest.hex)\(isSigned ? ", signed" : ", not signed")
        root hash  \(release.root.hash)
        UKI        \(Quantity.bytes(Int(uki))), root image \(Quantity.bytes(Int(release.root.size))) in \(release.root.frames) frames
        \(origin.verb) \(Quantity.seconds(elapsed))
      """)
  }
}

/// Where the bytes of a release came from.
private enum Origin: String, Encodable {
  /// A build ran.
  case packages
  /// The store had the release that these inputs make.
  case store
  /// The output is that release already.
  case unchanged

  var remark: String {
    switch self {
    case .packages: ""
    case .store: ", as built before"
    case .unchanged: " is unchanged"
    }
  }

  var verb: String {
    switch self {
    case .packages: "built in  "
    case .store: "written in"
    case .unchanged: "checked in"
    }
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
  let origin: Origin
  let seconds: Double
}
