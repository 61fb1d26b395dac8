internal import Fleet
internal import Manifest
internal import Logging
internal import ServerCore

extension ServerProcess {
  /// Says what is served, and that everything is there.
  static func announce(
    _ parts: ServerParts, boot: HTTPServer?, control: HTTPServer?, _ packets: PacketService?
  ) {
    let (settings, director, logger) = (parts.settings, parts.director, parts.logger)
    for listener in boot?.addresses ?? [] { logger.notice("serving \(url(listener))") }
    for listener in control?.addresses ?? [] { logger.notice("serving \(url(listener)) to operators") }
    if let packets {
      if packets.tftpPort > 0 { logger.notice("serving TFTP on UDP port \(packets.tftpPort)") }
      switch settings.manifest.dhcp.mode {
      case .proxy:
        logger.notice("serving ProxyDHCP beside the site's own DHCP server, on UDP ports 67 and 4011")
      case .server: logger.notice("serving DHCP on UDP ports 67 and 4011")
      case .off: logger.notice("DHCP is off")
      }
    }
    let inventory = director.settings.inventory
    let source =
      inventory.source.map { "\($0): \(inventory.manifest.devices.count) devices" }
      ?? "no fleet manifest: unknown devices are only noted"
    var metadata: Logger.Metadata = [
      "state": "\(settings.state)", "library": "\(settings.library)",
      "releases": "\(director.library.releases.count)", "fleet": "\(source)",
    ]
    if parts.roles.count == 1, let role = parts.roles.first { metadata["role"] = "\(role.rawValue)" }
    logger.notice("ready", metadata: metadata)
    if packets != nil, director.settings.programs.names.isEmpty {
      logger.warning(
        "\(director.settings.programs.directory) has no iPXE programs, so BIOS devices cannot boot: install Debian's package ipxe, or set ipxe.firmware"
      )
    }
  }

  private static func url(_ listener: HTTPServer.Listener) -> String {
    let host = listener.host.contains(":") ? "[\(listener.host)]" : listener.host
    return "\(listener.isSecure ? "https" : "http")://\(host):\(listener.port)/"
  }
}
