internal import ArgumentParser
internal import BootServer
internal import Glibc
internal import Manifest
internal import Synchronization

/// `netimg serve`
struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serve devices that boot from the network: DHCP, TFTP and HTTP.",
    discussion: flowing(
      """
      Without any settings it answers beside the site's own DHCP server (ProxyDHCP), boots nobody, and notes who asks:
      what each device boots is for a kind: Fleet manifest, or netimg device set, to say. Everything is kept in one
      directory. It needs no root: CAP_NET_BIND_SERVICE and CAP_NET_RAW will do (pxe/netimg-serve.service).

      SIGHUP reads the settings anew, without an end to any transfer; SIGTERM leaves transfers some seconds to come to their end.
      It answers /healthz and /readyz to everybody, /metrics and /api/v1/devices to this host and to http.operators.

      One process does everything, or two do a role each in one state directory: boot answers devices, and needs the
      capabilities; control follows the repository and git, holds the online key, and has the API at control.listen
      (127.0.0.1:8081). Each goes on without the other.

      Examples:
        netimg publish out/minimal --to /var/lib/netimg/library --key build
        netimg serve
        netimg serve --config server.yaml --log-format json
        netimg serve --state ./state --listen 127.0.0.1:8080 --dhcp off --no-tftp    HTTP alone, as an ordinary user
        netimg serve --role control
      """))

  @OptionGroup var state: ServerStateOptions

  @Option(name: .long, help: "boot or control, and not everything; may repeat.")
  var role: [Role] = []

  @Option(
    name: .long, help: ArgumentHelp("Listen for HTTP here instead; may repeat.", valueName: "address:port"))
  var listen: [String] = []

  @Option(name: .long, help: "proxy, server or off: what the settings say of DHCP does not count.")
  var dhcp: DHCPMode?

  @Flag(name: .customLong("no-tftp"), help: "No TFTP.")
  var noTFTP = false

  @Option(name: .long, help: "text or json.")
  var logFormat: LogFormat?

  @Option(name: .long, help: "debug, info, notice, warning or error.")
  var logLevel: LogLevel?

  func validate() throws {
    if !role.isEmpty, !role.contains(.boot), dhcp != nil || noTFTP {
      throw ValidationError("--dhcp and --no-tftp are for the role boot, which this process is not given.")
    }
    for address in listen where !ManifestText.listenAddress.accepts(address) {
      throw ValidationError(
        "--listen takes an IPv4 address, or an IPv6 address in brackets, a colon and a port.")
    }
  }

  func run() async throws {
    var options = state.options()
    options.roles = role.compactMap { ServerRole(rawValue: $0.rawValue) }
    options.listen = listen
    options.dhcp = dhcp.flatMap { DHCPSettings.Mode(rawValue: $0.rawValue) }
    options.isTFTPOff = noTFTP
    options.logFormat = logFormat.flatMap { LogSettings.Format(rawValue: $0.rawValue) }
    options.logLevel = logLevel.flatMap { LogSettings.Level(rawValue: $0.rawValue) }
    let process = ServerProcess(options)
    let stops = Atomic<Int>(0)
    Interruption.handle { signal in
      if signal == SIGHUP {
        process.reload()
        return true
      }
      // Whoever asks twice does not want to wait.
      guard stops.wrappingAdd(1, ordering: .relaxed).newValue == 1 else { return false }
      process.stop()
      return true
    }
    try await process.run()
  }

  enum Role: String, ExpressibleByArgument, CaseIterable {
    case boot, control
  }
  enum DHCPMode: String, ExpressibleByArgument, CaseIterable {
    case proxy, server, off
  }
  enum LogFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
  }
  enum LogLevel: String, ExpressibleByArgument, CaseIterable {
    case debug, info, notice, warning, error
  }
}
