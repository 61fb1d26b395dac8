internal import ArgumentParser
internal import BootServer
internal import Fleet
internal import FoundationEssentials
internal import Manifest
internal import NetworkTypes

/// `netimg device`
struct DeviceCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "device",
    abstract: "The devices of a boot server: list, show, set, forget, and how they booted.",
    subcommands: [
      DeviceListCommand.self, DeviceShowCommand.self, DeviceSetCommand.self, DeviceForgetCommand.self,
      DeviceBootsCommand.self,
    ])
}

/// `netimg device list`
struct DeviceListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List the devices that the fleet's manifest or the server knows.",
    discussion: flowing(
      """
      Examples:
        netimg device list
        netimg device list --unknown      those that nobody named: set them, or add them to the manifest
      """))

  @Flag(help: "Only devices that nobody named.")
  var unknown = false

  @OptionGroup var state: ServerStateOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    var entries = try state.open(creating: false).directory.list()
    if unknown { entries = entries.filter { $0.assignment.standing == .unknown } }
    if common.json { return Console.json(entries.map { DeviceView($0) }) }
    if entries.isEmpty { return Console.error(unknown ? "No unknown device." : "No device yet.") }
    let rows = entries.map { entry in
      [
        entry.assignment.name, entry.macs.first?.description ?? entry.uuid?.description ?? entry.serial ?? "",
        entry.assignment.group ?? "-", entry.assignment.source.short,
        entry.record.map { DeviceTime.text($0.seen.last) } ?? "never",
      ]
    }
    Console.table(["DEVICE", "ADDRESS", "GROUP", "BOOTS", "LAST SEEN"], rows)
  }
}

/// `netimg device show`
struct DeviceShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show what is known of a device, what it boots, and why.",
    discussion: flowing(
      """
      Examples:
        netimg device show edge-1
        netimg device show 52:54:00:12:34:56 --json
      """))

  @Argument(help: "A device's name, MAC address, UUID or serial number.")
  var device: String

  @OptionGroup var state: ServerStateOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    let entry = try state.open(creating: false).directory.find(device)
    if common.json { return Console.json(DeviceView(entry)) }
    var lines = [entry.assignment.name]
    func add(_ name: String, _ value: String?) {
      guard let value, !value.isEmpty else { return }
      lines.append("  \(Console.pad(name, to: 12))\(value)")
    }
    add(
      "named by",
      ["declared": "the manifest", "set": "netimg device set"][entry.assignment.standing.rawValue] ?? "nobody"
    )
    add("mac", entry.macs.map(\.description).joined(separator: ", "))
    add("uuid", entry.uuid?.description)
    add("serial", entry.serial)
    add("site", entry.assignment.site)
    add("group", entry.assignment.group)
    add("labels", entry.assignment.labels.map { "\($0.name)=\($0.value)" }.joined(separator: ", "))
    add("boots", entry.assignment.source.text)
    for (number, step) in entry.assignment.steps.enumerated() { add(number == 0 ? "because" : "", step) }
    if case .held(let reason) = entry.assignment.source { add("held", reason) }
    add("firmware", entry.record?.seen.firmware)
    add("address", entry.record?.seen.address)
    add("first seen", entry.record.map { DeviceTime.text($0.seen.first) })
    add("last seen", entry.record.map { DeviceTime.text($0.seen.last) })
    if let record = entry.record, let release = record.health.release {
      add("last image", "sha256:\(release)")
      let failures = record.health.failures(of: release, armed: record.settings.armed)
      add("failed", failures > 0 ? "\(failures) boots in a row" : nil)
    }
    Console.out(lines.joined(separator: "\n"))
  }
}

/// Times as people read them, in UTC.
enum DeviceTime {
  /// Seconds since 1970; 0 is never.
  static func text(_ seconds: Int64) -> String {
    guard seconds > 0 else { return "never" }
    return Date(timeIntervalSince1970: TimeInterval(seconds)).formatted(.iso8601)
  }
}

extension Console {
  static func pad(_ text: String, to width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  /// Columns, each as wide as its widest cell.
  static func table(_ head: [String], _ rows: [[String]]) {
    let widths = head.indices.map { column in ([head] + rows).map { $0[column].count }.max() ?? 0 }
    for row in [head] + rows {
      let cells = row.enumerated().map { pad($1, to: widths[$0]) }
      var line = cells.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      out(line)
    }
  }
}
