internal import Logging
internal import Manifest
internal import ServerCore
internal import ServiceLifecycle

/// Reads the configuration anew when it is told to. What is wrong with it changes nothing.
struct ReloadService: Service {
  let reloads: AsyncStream<Void>
  let options: ServeOptions
  let first: ServeSettings
  let httpPort: Int
  let director: BootDirector
  /// `nil` without the role boot.
  let packets: PacketService?
  let servers: [HTTPServer]
  let limits: ConnectionLimits
  let operators: OperatorNetworks
  let logger: Logger

  func run() async throws {
    for await _ in reloads.cancelOnGracefulShutdown() {
      do {
        try reload()
      } catch {
        logger.error("nothing was changed, because the configuration is wrong: \(error)")
      }
    }
  }

  private func reload() throws {
    let settings = try options.settings()
    var changed = try settings.director()
    changed.httpPort = httpPort
    for server in servers { try server.renew(settings.certificate) }
    // Nothing fails from here on.
    director.change(changed)
    packets?.change(settings)
    limits.change(
      total: settings.manifest.http.connections, perPeer: settings.manifest.http.connectionsPerClient)
    operators.change(settings.manifest.http.operators)
    director.library.refresh(force: true)
    let later = first.restartOnly(settings)
    if !later.isEmpty {
      logger.warning("\(later.joined(separator: ", ")) take effect when the server is started anew")
    }
    logger.notice("read the configuration anew")
  }
}
