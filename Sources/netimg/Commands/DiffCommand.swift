internal import ArgumentParser
internal import Inspection

/// `netimg diff`
struct DiffCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff",
    abstract: "Show what changes on a device that goes from one release to another.",
    discussion: flowing(
      """
      Packages, kernel options, units, listening sockets, file capabilities, set-ID files, files; and what the
      device downloads.

      Examples:
        netimg diff out/minimal-1.0 out/minimal-1.1
        netimg diff out/minimal-1.0 out/minimal-1.1 --files
        netimg diff out/minimal-1.0 out/minimal-1.1 --exit-code    exit with 2 if anything differs, for CI
      """))

  @Argument(help: "The release that a device has.", completion: .directory)
  var from: String

  @Argument(help: "The release that it gets.", completion: .directory)
  var to: String

  @Flag(help: "List every file that differs, not only their number.")
  var files = false

  @Flag(help: "Exit with 2 if anything differs.")
  var exitCode = false

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let difference = try await ReleaseDifference(from: ReleaseImage(from), to: ReleaseImage(to))
    if common.json { Console.json(difference) } else { Console.out(text(difference)) }
    if exitCode, !difference.isEmpty { throw ExitCode(ExitStatus.difference) }
  }

  private func text(_ difference: ReleaseDifference) -> String {
    let (old, new) = (difference.from, difference.to)
    var lines = ["\(old.name) \(old.version) → \(new.name) \(new.version)"]
    lines += section("Packages", difference.packages)
    lines += section("Kernel", difference.kernel)
    lines += section("Units that a boot can start", difference.units, showsValues: false)
    lines += section("Listening", difference.listeners)
    lines += section("File capabilities", difference.capabilities)
    lines += section("Set-user-ID and set-group-ID", difference.setID)
    lines += section("Exceptions", difference.exceptions)
    lines += fileLines(difference.files)
    let download = difference.download
    lines.append(
      "Download: \(Quantity.bytes(Int(download.bytes))) in \(download.frames) of \(download.allFrames) frames; all of it is \(Quantity.bytes(Int(download.allBytes)))"
    )
    return lines.joined(separator: "\n")
  }

  private func section(_ title: String, _ changes: NamedChanges, showsValues: Bool = true) -> [String] {
    guard !changes.isEmpty else { return [] }
    func value(_ text: String) -> String { showsValues ? " \(text)" : "" }
    return [title + ":"] + changes.added.map { "  + \($0.name)\(value($0.value))" }
      + changes.removed.map { "  - \($0.name)\(value($0.value))" }
      + changes.changed.map { "  ~ \($0.name) \($0.from) → \($0.to)" }
  }

  private func fileLines(_ changes: FileChanges) -> [String] {
    guard !changes.isEmpty else { return [] }
    let counts =
      "Files: \(changes.added.count) added, \(changes.removed.count) removed, \(changes.changed.count) changed"
    guard files else { return [counts + " (--files lists them)"] }
    return [counts] + changes.added.map { "  + \($0)" } + changes.removed.map { "  - \($0)" }
      + changes.changed.map { change in
        let growth = change.growth == 0 ? "" : " (\(change.growth > 0 ? "+" : "")\(change.growth) bytes)"
        return "  ~ \(change.path): \(change.what.joined(separator: ", "))\(growth)"
      }
  }
}
