internal import ArgumentParser
internal import Inspection

/// `netimg explain`
struct ExplainCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain",
    abstract: "Say why a path is in a release, or why a device boots what it boots.",
    discussion: flowing(
      """
      Examples:
        netimg explain out/minimal-1.0 /usr/lib/systemd/systemd
        netimg explain boot edge-1
      """),
    subcommands: [ExplainPathCommand.self, ExplainBootCommand.self],
    defaultSubcommand: ExplainPathCommand.self)
}

/// `netimg explain path`
struct ExplainPathCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "path",
    abstract: "Say why a path is in a release: which input, which package, who asked for it.",
    discussion: flowing(
      """
      The chain that is printed: the path and what links it goes through; the pack that holds it in the image; the
      package, and the .deb in its archive by SHA-256; the archive's suites, one of whose signed InRelease files
      vouches for that SHA-256 (the lock file has their digests); who asked for the package, step by step from the
      image's manifest. The word path may be left out.

      Examples:
        netimg explain out/minimal-1.0 /usr/lib/systemd/systemd
        netimg explain out/minimal-1.0 /sbin/init --json
      """))

  @Argument(help: "The release's directory.", completion: .directory)
  var release: String

  @Argument(help: "A path in the image; links are followed as on the device.")
  var path: String

  @OptionGroup var common: CommonOptions

  func run() throws {
    let explanation = try Explanation(path, in: ReleaseImage(release))
    if common.json { return Console.json(explanation) }
    var lines = explanation.links
    lines.append(
      "\(explanation.path): \(explanation.kind), \(explanation.size) bytes, mode \(explanation.mode), owner \(explanation.owner):\(explanation.group)"
    )
    if let target = explanation.target { lines.append("  leads to   \(target)") }
    if let sha256 = explanation.sha256 { lines.append("  sha256     \(sha256)") }
    if !explanation.capabilities.isEmpty {
      lines.append("  may        \(explanation.capabilities.joined(separator: ", "))")
    }
    if let package = explanation.package {
      lines.append("  pack       \(explanation.pack)")
      lines.append(
        "  package    \(package.name) \(package.version) (\(package.architecture)), source \(package.source)")
      lines.append("  archive    \(package.archive): \(package.file)")
      lines.append("             sha256 \(package.sha256)")
      for (number, suite) in package.suites.enumerated() {
        lines.append(
          "  \(number == 0 ? "signed    " : "          ") \(suite.suite) of \(suite.signed), InRelease \(suite.inRelease.prefix(16))…"
        )
      }
    } else {
      lines.append("  pack       \(explanation.pack)")
    }
    for (number, reason) in explanation.why.enumerated() {
      lines.append("  \(number == 0 ? "because   " : "          ") \(reason)")
    }
    Console.out(lines.joined(separator: "\n"))
  }
}
