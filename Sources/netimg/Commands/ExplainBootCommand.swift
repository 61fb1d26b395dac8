internal import ArgumentParser
internal import BootServer
internal import Fleet

/// `netimg explain boot`
struct ExplainBootCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "boot",
    abstract: "Say what a device boots, why, and how its last boot went.",
    discussion: flowing(
      """
      Reads the server's store and library, whether or not the server runs.

      Examples:
        netimg explain boot edge-1
        netimg explain boot 52:54:00:12:34:56 --json
      """))

  @Argument(help: "A device's name, MAC address, UUID or serial number.")
  var device: String

  @OptionGroup var state: ServerStateOptions
  @OptionGroup var common: CommonOptions

  func run() async throws {
    let (settings, store, directory) = try state.open(creating: false)
    let explanation = try await BootExplanation(directory.find(device), settings: settings, store: store)
    if common.json { return Console.json(explanation) }
    var lines = [explanation.verdict]
    for (number, step) in explanation.steps.enumerated() {
      lines.append("  \(number == 0 ? "because   " : "          ") \(step)")
    }
    lines.append("  last boot  \(explanation.lastBoot)")
    Console.out(lines.joined(separator: "\n"))
  }
}
