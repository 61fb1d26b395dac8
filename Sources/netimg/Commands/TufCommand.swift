internal import ArgumentParser
internal import FoundationEssentials
internal import UpdateFramework

/// `netimg tuf`: a client for any TUF repository, with the command line that the public conformance suite
/// drives.
struct TufCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "tuf",
    abstract:
      "Update from any TUF 1.0 repository (The Update Framework), or prove that this client follows it.",
    discussion: flowing(
      """
      VERB is one of
        init ROOT   trust this root from now on; asks nobody
        refresh     bring the trusted metadata up to date
        download    refresh, then fetch each --target-name that is not there already

      The metadata directory holds what was trusted last, under names without versions (root.json, timestamp.json, …).
      This is the command line of the TUF conformance suite (theupdateframework/tuf-conformance).

      Examples:
        netimg tuf --metadata-dir trust init root.json
        netimg tuf --metadata-url https://example.org/metadata --metadata-dir trust refresh
        netimg tuf --metadata-url https://example.org/metadata --metadata-dir trust \\
          --target-base-url https://example.org/targets --target-dir out --target-name a/b.tar download

      Exit status: 0 done; 1 refused or failed, and the reason says which check of which role it was.
      """))

  enum Verb: String, ExpressibleByArgument, CaseIterable {
    case `init`
    case refresh
    case download
  }

  @Argument(help: "What to do: init, refresh or download.")
  var verb: Verb

  @Argument(help: "With init: the root metadata to trust.", completion: .file())
  var root: String?

  @Option(
    help: ArgumentHelp("Where the trusted metadata are kept.", valueName: "directory"), completion: .directory
  )
  var metadataDir: String

  @Option(help: ArgumentHelp("Where the repository's metadata are.", valueName: "url"))
  var metadataUrl: String?

  @Option(help: ArgumentHelp("A target to download; may repeat.", valueName: "path"))
  var targetName: [String] = []

  @Option(
    help: ArgumentHelp("Where targets go, their paths percent-encoded.", valueName: "directory"),
    completion: .directory)
  var targetDir: String?

  @Option(help: ArgumentHelp("Where the repository's targets are.", valueName: "url"))
  var targetBaseUrl: String?

  @OptionGroup var clock: ClockOptions

  func validate() throws {
    switch verb {
    case .`init`: guard root != nil else { throw ValidationError("init needs the root metadata to trust.") }
    case .refresh: guard metadataUrl != nil else { throw ValidationError("refresh needs --metadata-url.") }
    case .download:
      guard metadataUrl != nil, targetDir != nil, targetBaseUrl != nil, !targetName.isEmpty else {
        throw ValidationError(
          "download needs --metadata-url, --target-dir, --target-base-url and at least one --target-name.")
      }
    }
    if verb != .`init`, root != nil { throw ValidationError("Only init takes a file.") }
  }

  func run() async throws {
    do {
      let local = LocalMetadata(directory: metadataDir)
      guard verb != .`init` else {
        if try local.initialize(rootFile: root ?? "") == .anew {
          Console.error(
            "note: \(metadataDir) trusted a root that has nothing to do with this one; what it trusted is forgotten"
          )
        }
        return
      }
      let updater = try Updater(
        local: local, fetcher: try HTTPFetcher(), metadataURL: metadataUrl ?? "", targetsURL: targetBaseUrl,
        limits: clock.limits)
      try await updater.refresh()
      for name in verb == .download ? targetName : [] {
        try await updater.download(
          updater.target(name), to: Updater.localPath(of: name, in: targetDir ?? ""))
      }
    } catch {
      // The contract knows one status for every failure.
      Interruption.yield()
      Console.error("\(error)")
      throw ExitCode.failure
    }
  }
}
