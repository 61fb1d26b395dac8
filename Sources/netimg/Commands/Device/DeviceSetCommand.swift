internal import ArgumentParser
internal import BootServer
internal import Fleet
internal import Glibc
internal import Manifest
internal import NetworkTypes

/// `netimg device set`
struct DeviceSetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "set", abstract: "Say what a device is called and boots; it goes before the manifest.",
    discussion: flowing(
      """
      A running server takes it in within a second. A device that was never seen is named by its MAC address.

      Examples:
        netimg device set 52:54:00:12:34:56 --name edge-1 --group edge
        netimg device set edge-1 --release minimal@1.2.0
        netimg device set edge-1 --label rack=a1 --label role=
        netimg device set edge-1 --no-release              what its group says again
        netimg device set edge-1 --arm                     after it stayed down: try again
      """))

  @Argument(help: "A device's name, MAC address, UUID or serial number.")
  var device: String

  @Option(name: .long, help: "Its name.")
  var name: String?

  @Option(name: .long, help: "The group that it belongs to.")
  var group: String?

  @Option(name: .long, help: "A release of its own: sha256:DIGEST or NAME@VERSION.")
  var release: String?

  @Option(
    name: .long,
    help: ArgumentHelp("A label; without a value it goes away; may repeat.", valueName: "name=value"))
  var label: [String] = []

  @Flag(name: .long, help: "No group of its own any more.")
  var noGroup = false

  @Flag(name: .long, help: "No release of its own any more.")
  var noRelease = false

  @Flag(name: .long, help: "Forget its failed boots.")
  var arm = false

  @OptionGroup var state: ServerStateOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if group != nil, noGroup { throw ValidationError("--group and --no-group exclude each other.") }
    if release != nil, noRelease { throw ValidationError("--release and --no-release exclude each other.") }
    if let release, ReleaseReference(release) == nil {
      throw ValidationError("--release takes sha256:DIGEST or NAME@VERSION.")
    }
    if name == nil, group == nil, release == nil, label.isEmpty, !noGroup, !noRelease, !arm {
      throw ValidationError(
        "Say what to set: --name, --group, --release, --label, --arm, --no-group or --no-release.")
    }
    for text in label where !text.contains("=") {
      throw ValidationError("--label takes NAME=VALUE.")
    }
  }

  func run() throws {
    let (settings, store, directory) = try state.open(creating: true)
    let record = try find(directory)
    var changed = record.settings
    if let name { changed.name = try Self.check(name, .name, "--name") }
    if let group {
      let inventory = try settings.inventory()
      guard inventory.group(named: group) != nil else {
        let known = inventory.manifest.groups.map(\.name).joined(separator: ", ")
        throw FleetError(
          .notFound,
          "there is no group \(group) in \(settings.fleet): \(known.isEmpty ? "add it there" : "its groups are \(known)")"
        )
      }
      changed.group = group
    }
    if noGroup { changed.group = nil }
    if let release { changed.release = ReleaseReference(release) }
    if noRelease { changed.release = nil }
    for text in label {
      let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
      let name = try Self.check(parts[0], .label, "--label")
      changed.labels.removeAll { $0.name == name }
      guard !parts[1].isEmpty else { continue }
      changed.labels.append(FleetLabel(name: name, value: try Self.check(parts[1], .labelValue, "--label")))
    }
    changed.labels.sort { $0.name < $1.name }
    if arm { changed.armed = Int64(time(nil)) }
    try store.set(changed, of: record)
    let entry = try directory.find(record.macs.first?.description ?? device)
    if common.json { return Console.json(DeviceView(entry)) }
    Console.out("\(entry.assignment.name): \(entry.assignment.source.text)")
    if case .held(let reason) = entry.assignment.source { Console.error(reason) }
  }

  /// The store's record of the device; a new one if the store has none.
  private func find(_ directory: DeviceDirectory) throws -> DeviceRecord {
    do {
      let entry = try directory.find(device)
      return entry.record
        ?? DeviceRecord(id: DeviceRecord.newID(), macs: entry.macs, uuid: entry.uuid, serial: entry.serial)
    } catch let error as FleetError where error.code == .notFound {
      guard let mac = MACAddress(device) else {
        throw FleetError(
          .notFound,
          "there is no device \(device): netimg device list shows those that are known; name a new one by its MAC address"
        )
      }
      return DeviceRecord(id: DeviceRecord.newID(), macs: [mac])
    }
  }

  private static func check(_ text: String, _ format: ManifestText, _ option: String) throws -> String {
    guard format.accepts(text) else { throw ValidationError("\(option) takes \(format.rule).") }
    return text
  }
}

/// `netimg device forget`
struct DeviceForgetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget", abstract: "Forget devices, what was set for them, and their boots.",
    discussion: flowing(
      """
      What the manifest says of it stays. If it asks again, it is new. Its lease stays, since it may still use the address.

      Example:
        netimg device forget edge-1
        netimg device forget --unknown    all that nobody has named
      """))

  @Argument(help: "A device's name, MAC address, UUID or serial number.")
  var device: String?

  @Flag(help: "Forget every device that neither the manifest nor an operator has named.")
  var unknown = false

  @OptionGroup var state: ServerStateOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (device != nil) != unknown else {
      throw ValidationError("Name one device, or give --unknown.")
    }
  }

  func run() throws {
    let (_, store, directory) = try state.open(creating: false)
    guard let device else {
      let entries = try directory.list().filter { $0.assignment.standing == .unknown }
      var batch = FleetBatch()
      batch.forgotten = entries.compactMap { $0.record?.id }
      try store.commit(batch)
      if common.json { return Console.json(entries.map { DeviceView($0) }) }
      return Console.out(
        "\(batch.forgotten.count) unknown \(batch.forgotten.count == 1 ? "device is" : "devices are") forgotten"
      )
    }
    let entry = try directory.find(device)
    guard let record = entry.record else {
      throw FleetError(.notFound, "\(entry.assignment.name) was never seen: there is nothing to forget")
    }
    try store.forget(device: record.id)
    if common.json { return Console.json(DeviceView(entry)) }
    Console.out("\(entry.assignment.name) is forgotten")
  }
}
