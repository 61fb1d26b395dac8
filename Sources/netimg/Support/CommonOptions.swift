internal import ArgumentParser
internal import BlobStore
internal import FoundationEssentials

/// Options that every verb has.
struct CommonOptions: ParsableArguments {
  @Flag(name: .long, help: "Print JSON on standard output, for programs.")
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

  @Option(
    name: .long,
    help: ArgumentHelp(
      "Another store that is looked into before the network, and never written; may repeat (default: $NETIMG_SHARED_STORE, separated by colons).",
      valueName: "directory"))
  var sharedStore: [String] = []

  func open() throws -> BlobStore {
    let environment = ProcessInfo.processInfo.environment
    let shared =
      sharedStore.isEmpty ? StoreLocation.shared(environment: environment) : sharedStore
    return try BlobStore(root: try store ?? StoreLocation.default(environment: environment), shared: shared)
  }
}
