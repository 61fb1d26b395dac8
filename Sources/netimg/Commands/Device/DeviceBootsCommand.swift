internal import ArgumentParser
internal import BootServer
internal import Fleet
internal import FoundationEssentials

/// `netimg device boots`
struct DeviceBootsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "boots", abstract: "Show how a device booted: every question, answer and transfer.",
    discussion: flowing(
      """
      Examples:
        netimg device boots edge-1             its last boots, the newest last
        netimg device boots edge-1 --last 1
      """))

  @Argument(help: "A device's name, MAC address, UUID or serial number.")
  var device: String

  @Option(name: .long, help: "How many.")
  var last = 5

  @OptionGroup var state: ServerStateOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (1...50).contains(last) else { throw ValidationError("--last is from 1 to 50.") }
  }

  func run() throws {
    let (_, store, directory) = try state.open(creating: false)
    let entry = try directory.find(device)
    let boots = try entry.record.map { try store.boots(of: $0.id, limit: last) } ?? []
    if common.json { return Console.json(boots.map { BootView($0) }) }
    if boots.isEmpty { return Console.error("\(entry.assignment.name) never asked this server to boot.") }
    for boot in boots.reversed() { Console.out(BootText.text(boot)) }
  }
}

/// A boot as people read it.
enum BootText {
  static func text(_ boot: BootRecord) -> String {
    let release = boot.release.map { " sha256:\($0.prefix(12))…" } ?? ""
    var lines = ["\(DeviceTime.text(boot.started / 1000))  \(boot.firmware)\(release)  \(state(boot.state))"]
    for event in boot.events { lines.append("  \(offset(event.at - boot.started))  \(line(event))") }
    if boot.omitted > 0 { lines.append("  and \(boot.omitted) events more") }
    return lines.joined(separator: "\n")
  }

  static func state(_ state: BootRecord.State) -> String {
    switch state {
    case .refused: "refused"
    case .offered: "answered"
    case .loading: "loading"
    case .handedOver: "image delivered"
    case .failed: "image delivered, and it asked again too soon"
    case .healthy: "healthy"
    }
  }

  private static func offset(_ milliseconds: Int64) -> String {
    let text = "+\(milliseconds / 1000).\(String(milliseconds % 1000 + 1000).dropFirst()) s"
    return String(repeating: " ", count: max(0, 11 - text.count)) + text
  }

  private static func line(_ event: BootEvent) -> String {
    let transport = event.transport.map { " by \($0.uppercased())" } ?? ""
    var text =
      switch event.kind {
      case .discover: "asked (discover): \(event.detail)"
      case .request: "asked (request): \(event.detail)"
      case .binl: "asked on port 4011: \(event.detail)"
      case .offer: "was told: \(event.detail)"
      case .refused: "was refused: \(event.detail)"
      case .leased: "was lent \(event.detail)"
      case .otherServer: "took an address of \(event.detail)"
      case .competitor: "another server: \(event.detail)"
      case .transfer: "began to fetch\(transport): \(event.detail)"
      case .fetched: "fetched\(transport): \(event.detail)"
      case .aborted: "transfer\(transport) broke off: \(event.detail)"
      case .probed: "asked for the size\(transport): \(event.detail)"
      case .script: "got its iPXE script\(transport)"
      case .notFound: "asked in vain\(transport): \(event.detail)"
      }
    if let bytes = event.bytes {
      text += ", \(Quantity.bytes(bytes))"
      if let milliseconds = event.milliseconds { text += " in \(milliseconds) ms" }
      if let rate = event.rate { text += ", \(Quantity.bytes(rate))/s" }
      if let retries = event.retries, retries > 0 { text += ", \(retries) repeats" }
    }
    if event.count > 1 { text += " (\(event.count) times)" }
    return text
  }
}
