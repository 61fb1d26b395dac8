internal import ArgumentParser
internal import Channels
internal import FoundationEssentials
internal import Transfers
internal import UpdateFramework

/// `netimg fetch`
struct FetchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fetch", abstract: "Ask a repository what is current, and fetch only what is missing here.",
    discussion: flowing(
      """
      Begins with the root that you were given: --root the first time, the --trust directory from then on. Files are kept
      in --output by their SHA-256; a release that is here already (--have) spares what both share. Large files are put
      together from frames and parts where the repository says how. An interrupted run is gone on with by the next.

      Examples:
        netimg fetch router --channel prod --from https://example.org/repo --root root.json --trust trust --dry-run
        netimg fetch router --channel prod --from repository --trust trust --have out/router-1.1 --output store
      """))

  @Argument(help: "The image.")
  var image: String

  @Option(help: "The channel.")
  var channel: String

  @Option(help: ArgumentHelp("The repository: an address, or a directory.", valueName: "url"))
  var from: String

  @Option(
    help: ArgumentHelp("Where trusted metadata are kept.", valueName: "directory"), completion: .directory)
  var trust: String

  @Option(
    help: ArgumentHelp("The root to trust, if there is none in --trust yet.", valueName: "file"),
    completion: .file())
  var root: String?

  @Option(
    help: ArgumentHelp(
      "The certificates (PEM) of those who may vouch for the server, in place of the system's.",
      valueName: "file"),
    completion: .file(extensions: ["pem", "crt"]))
  var ca: String?

  @Option(
    help: ArgumentHelp("A release, or a directory of files by SHA-256; may repeat.", valueName: "directory"),
    completion: .directory)
  var have: [String] = []

  @Option(
    help: ArgumentHelp("Where files go, by their SHA-256.", valueName: "directory"), completion: .directory)
  var output: String?

  @OptionGroup var clock: ClockOptions

  @Flag(help: "Only say what would be fetched.")
  var dryRun = false

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if dryRun == (output != nil) { throw ValidationError("Give --output or --dry-run.") }
  }

  func run() async throws {
    let local = LocalMetadata(directory: trust)
    if let root, !FileManager.default.fileExists(atPath: local.path(of: "root")) {
      try local.initialize(rootFile: root)
    }
    var policy = TransferPolicy()
    policy.authorities = ca
    let fetcher = CountingFetcher(try HTTPFetcher(policy: policy))
    let client = try ChannelClient(
      trust: local, fetcher: fetcher, url: ChannelClient.address(of: from), limits: clock.limits)
    let current = try await client.current(image, in: channel)
    var here = LocalFiles()
    for directory in have + (output.map { [$0] } ?? []) { here.add(directory: directory) }
    let plan = try await client.plan(current, here: here)
    if let output {
      try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
      let progress = common.progress()
      progress.begin("Fetching")
      try await client.run(plan, into: output)
      // Last: whoever sees it finds the rest.
      try Data(plan.manifest).write(
        to: URL(fileURLWithPath: "\(output)/\(current.entry.release)"), options: .atomic)
      progress.end()
    }
    let report = FetchReport(current, plan, channel: channel, transferred: fetcher.bytes)
    if common.json { return Console.json(report) }
    Console.out(
      "\(image) \(report.version) is current in \(channel) (sha256:\(report.release)), since \(report.time): "
        + "\(report.reason)")
    if let since = report.cameThroughSince, let before = report.cameThrough {
      Console.out("it came through \(before), where it is since \(since)")
    }
    if let unproved = report.unproved { Console.error("note: \(unproved)") }
    Console.out(
      "\(output == nil ? "would fetch" : "fetched") \(report.missingFiles) files with \(report.missingBytes) bytes of the release's "
        + "\(report.files) files with \(report.bytes) bytes"
        + (report.assembledFiles > 0 ? "; \(report.assembledFiles) are put together from parts" : ""))
  }
}

private struct FetchReport: Encodable {
  let image: String
  let channel: String
  let channelVersion: Int
  let version: String
  let release: String
  let reason: String
  let time: String
  let rollbackFrom: String?
  let files: Int
  let bytes: Int
  let missingFiles: Int
  let missingBytes: Int
  let assembledFiles: Int
  /// The channel before, if it is proved that the release was there, and since when; and why it is not.
  let cameThrough: String?
  let cameThroughSince: String?
  let unproved: String?
  /// Bytes that came from the repository so far, metadata and all.
  let transferredBytes: Int

  init(_ current: ChannelClient.Current, _ plan: ChannelClient.Plan, channel: String, transferred: Int) {
    image = current.entry.image
    self.channel = channel
    channelVersion = current.channelVersion
    version = current.entry.version
    release = current.entry.release
    reason = current.entry.reason
    time = current.entry.time.description
    rollbackFrom = current.entry.rollbackFrom
    files = plan.files
    bytes = plan.bytes
    missingFiles = plan.missing.count
    missingBytes = plan.missingBytes
    assembledFiles = plan.assembledFiles
    switch plan.passage {
    case .through(let before, let since):
      (cameThrough, cameThroughSince, unproved) = (before, since.description, nil)
    case .unproved(let reason): (cameThrough, cameThroughSince, unproved) = (nil, nil, reason)
    case .again, nil: (cameThrough, cameThroughSince, unproved) = (nil, nil, nil)
    }
    transferredBytes = transferred
  }
}
