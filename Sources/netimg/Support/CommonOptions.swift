internal import ArgumentParser
internal import BlobStore
internal import FoundationEssentials

/// Options that every verb has.
struct CommonOptions: ParsableArguments {
  @Flag(name: .long, help: "Print one JSON object on standard output, for programs.")
  var json = false

  @Flag(name: [.short, .long], help: "No progress; only results and errors.")
  var quiet = false

  func progress() -> Progress { Progress(isSilent: quiet || json) }
}

/// Where inputs are kept between builds.
struct StoreOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The content store (default: $NETIMG_STORE, $XDG_CACHE_HOME/netimg or ~/.cache/netimg).",
      valueName: "directory"))
  var store: String?

  func open() throws -> BlobStore {
    try BlobStore(
      root: try store ?? StoreLocation.default(environment: ProcessInfo.processInfo.environment))
  }
}
