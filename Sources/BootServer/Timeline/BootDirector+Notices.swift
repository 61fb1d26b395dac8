internal import BootTypes
internal import DHCP
internal import Fleet
internal import NetworkTypes
internal import ServerCore
internal import Synchronization

/// What happens to packets, as events for people and as lines of the log.
extension BootDirector {
  /// Whatever is noticed from now on is said there too; it must not block.
  func sayNotices(to reporter: @escaping @Sendable (FleetEvent.Severity, String) -> Void) {
    self.reporter.withLock { $0 = reporter }
  }

  func report(_ severity: FleetEvent.Severity, _ text: String) {
    reporter.withLock(\.self)(severity, text)
  }

  /// Why leases cannot be written down; `nil` if they can.
  var leaseProblem: String? { state.withLock(\.leaseProblem) }

  /// An event that may come thousands of times a second: of its kind a few a minute are noted, and said in the log.
  /// - Parameter topic: What shares its notices with others of the same kind; nothing that a stranger chooses.
  func notice(
    _ now: Int64, _ severity: FleetEvent.Severity, _ kind: String, _ mac: MACAddress?, topic: String = "",
    allowance: Int = 1, _ message: String
  ) {
    let text = state.withLock { state -> String? in
      let device = mac.flatMap { state.table.find(DeviceIdentity(mac: $0)) }?.id
      return Self.notice(
        now, severity, kind, device, topic: topic, allowance: allowance, message, &state)
    }
    if let text { report(severity, text) }
  }

  /// The same while the state is at hand; the caller reports what it gives.
  @discardableResult
  static func notice(
    _ now: Int64, _ severity: FleetEvent.Severity, _ kind: String, _ device: Int64?, topic: String = "",
    allowance: Int = 1, _ message: String, _ state: inout State
  ) -> String? {
    guard let held = state.notices.take("\(kind) \(topic)", allowance: allowance, now: now) else {
      return nil
    }
    let text = held == 0 ? message : "\(message) (and \(held) more of the kind before that)"
    state.pending.add(FleetEvent(at: now, severity, kind: kind, device: device, text))
    return text
  }

  /// A message that got no answer: why, once a minute for each reason.
  func noticeDropped(_ source: Endpoint, _ reason: String, _ now: Int64) {
    metrics.dhcpDropped.increment()
    // Addresses, sizes and offsets are the sender's to choose.
    let topic = String(reason.prefix(120).filter { !$0.isNumber })
    let sender = source.address == .v4(.any) ? "" : " (\(source.address))"
    notice(now, .warning, "dropped", nil, topic: topic, "DHCP: \(reason)\(sender)")
  }

  /// Warns of what the settings say of interfaces and none has.
  func noticeInterfaces(_ configuration: DHCPConfiguration?, _ interfaces: [NetworkInterface]) {
    for problem in configuration?.problems(with: interfaces) ?? [] {
      notice(clock(), .warning, "interface", nil, topic: problem, problem)
    }
  }
}
