internal import DHCP
package import Fleet
internal import Glibc
internal import Logging
internal import Manifest
internal import NetworkTypes
internal import ServerCore
internal import TFTP

extension ServeSettings {
  /// The inventory: the manifest's, or an empty one if there is none and nobody named one.
  package func inventory() throws -> Inventory {
    if !isFleetNamed, access(fleet, F_OK) != 0 { return .empty }
    return Inventory(try FleetManifest.load(file: fleet), source: fleet)
  }

  /// What the boot director goes by.
  func director() throws -> BootDirector.Settings {
    BootDirector.Settings(
      inventory: try inventory(), templates: try ScriptTemplates(directory: manifest.ipxe.templates),
      programs: IPXEPrograms(directory: manifest.ipxe.firmware), chainloadsUEFI: manifest.ipxe.chainloadsUEFI,
      httpPort: listeners.first { !$0.isSecure }?.port ?? 80)
  }

  /// What the process does.
  var roles: Set<ServerRole> { Set(manifest.roles) }

  /// The addresses to listen on for devices.
  var listeners: [HTTPServer.Listener] {
    manifest.http.listen.compactMap { Self.listener($0, isSecure: false) }
      + manifest.http.listenSecure.compactMap { Self.listener($0, isSecure: true) }
  }

  /// The role control's own addresses. Together with the role boot it needs none: all is on the other ones.
  var controlListeners: [HTTPServer.Listener] {
    guard roles.contains(.control) else { return [] }
    var listen = manifest.control.listen
    if listen.isEmpty, !roles.contains(.boot) { listen = [ControlSettings.defaultListen] }
    return listen.compactMap { Self.listener($0, isSecure: false) }
  }

  private static func listener(_ text: String, isSecure: Bool) -> HTTPServer.Listener? {
    guard let colon = text.utf8.lastIndex(of: UInt8(ascii: ":")), let port = Int(text[colon...].dropFirst()),
      (0...65535).contains(port)
    else { return nil }
    var host = String(text[..<colon])
    if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
    return HTTPServer.Listener(host: host, port: port, isSecure: isSecure)
  }

  var certificate: HTTPServer.Certificate? {
    guard let chain = manifest.http.certificate, let key = manifest.http.key else { return nil }
    return HTTPServer.Certificate(chain: chain, key: key)
  }

  /// The DHCP machine's configuration; `nil` if it is off.
  var dhcp: DHCPConfiguration? {
    let settings = manifest.dhcp
    guard settings.mode != .off else { return nil }
    return DHCPConfiguration(
      mode: settings.mode == .proxy ? .proxy : .full, interfaces: Set(settings.interfaces),
      relays: settings.relays,
      subnets: settings.subnets.map { subnet in
        DHCPv4Subnet(
          network: subnet.network, pools: subnet.pools,
          reservations: subnet.reservations.map { .init($0.mac, $0.address) },
          routers: [subnet.router].compactMap(\.self), nameServers: subnet.nameServers,
          timeServers: subnet.timeServers,
          domain: subnet.domain ?? "", leaseSeconds: UInt32(clamping: subnet.leaseTime),
          maximumLeaseSeconds: UInt32(clamping: subnet.maximumLeaseTime))
      }, isAuthoritative: settings.isAuthoritative)
  }

  /// That of DHCPv6, which gives addresses only where the settings name links; `nil` if it is off.
  var dhcp6: DHCPConfiguration? {
    guard manifest.dhcp.mode != .off, manifest.dhcp.isIPv6Enabled else { return nil }
    let subnets = manifest.dhcp.ipv6Subnets.map {
      DHCPv6Subnet(
        prefix: $0.prefix, prefixLength: $0.prefixLength, pool: $0.pool, nameServers: $0.nameServers,
        leaseSeconds: UInt32(clamping: $0.leaseTime))
    }
    return DHCPConfiguration(
      mode: subnets.isEmpty ? .proxy : .full, interfaces: Set(manifest.dhcp.interfaces), subnets6: subnets)
  }

  /// How long things may take by HTTP.
  var httpTimes: HTTPServer.Times {
    var times = HTTPServer.Times()
    times.drain = Int64(manifest.drain)
    return times
  }

  var tftp: TFTPConfiguration {
    TFTPConfiguration(
      isSinglePort: manifest.tftp.singlePort, maximumTransfers: manifest.tftp.sessions,
      maximumTransfersPerClient: manifest.tftp.sessionsPerClient)
  }

  var logLevel: Logger.Level {
    switch manifest.log.level {
    case .debug: .debug
    case .info: .info
    case .notice: .notice
    case .warning: .warning
    case .error: .error
    }
  }

  /// What is different in `other` and takes effect only when the server starts anew, by the names of the keys.
  func restartOnly(_ other: ServeSettings) -> [String] {
    var names: [String] = []
    if state != other.state { names.append("state") }
    if library != other.library { names.append("library") }
    if manifest.repository != other.manifest.repository { names.append("repository") }
    if roles != other.roles { names.append("roles") }
    if manifest.uploads != other.manifest.uploads { names.append("uploads") }
    if listeners != other.listeners { names.append("http.listen") }
    if controlListeners != other.controlListeners { names.append("control.listen") }
    if manifest.tftp.port != other.manifest.tftp.port
      || manifest.tftp.isEnabled != other.manifest.tftp.isEnabled
    {
      names.append("tftp.port")
    }
    if manifest.tftp.singlePort != other.manifest.tftp.singlePort { names.append("tftp.singlePort") }
    if (dhcp == nil) != (other.dhcp == nil) { names.append("dhcp.mode") }
    if dhcp6 != other.dhcp6 { names.append("what DHCPv6 goes by (dhcp.ipv6, ipv6Subnets, interfaces)") }
    if manifest.log != other.manifest.log { names.append("log") }
    if manifest.drain != other.manifest.drain { names.append("drain") }
    if manifest.git != other.manifest.git { names.append("git") }
    return names
  }
}
