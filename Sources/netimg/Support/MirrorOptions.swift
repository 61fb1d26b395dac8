internal import ArgumentParser
internal import DebianArchive
internal import FoundationEssentials

/// Where packages come from.
struct MirrorOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "An archive's mirror, NAME=URL, or a URL that ends in the archive's name; may repeat. Default: $NETIMG_MIRROR, ~/.config/netimg/mirrors, the host's apt sources.",
      valueName: "mirror"))
  var mirror: [String] = []

  func load() throws -> MirrorConfiguration {
    try MirrorConfiguration.load(flags: mirror, environment: ProcessInfo.processInfo.environment)
  }
}
