internal import ArgumentParser
internal import BootServer
internal import Fleet
internal import FoundationEssentials
internal import Glibc

/// Where a server keeps its state, for the commands that read or change it beside the server.
struct ServerStateOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp("The server's settings, a kind: Server manifest, if it has any.", valueName: "file"),
    completion: .file(extensions: ["yaml", "yml"]))
  var config: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The state directory (default: $NETIMG_STATE, $STATE_DIRECTORY, /var/lib/netimg for root, or ~/.local/state/netimg).",
      valueName: "directory"),
    completion: .directory)
  var state: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The fleet's manifest (default: fleet.yaml in the state directory), or a git repository that holds it: a directory or an address (user@host:path too).",
      valueName: "file-or-repository"),
    completion: .file(extensions: ["yaml", "yml"]))
  var fleet: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "With a git repository: who may sign its commits, as ssh-keygen -Y takes it (default: allowed_signers in the state directory).",
      valueName: "file"),
    completion: .file())
  var allowedSigners: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "The library of releases (default: library in the state directory).", valueName: "directory"),
    completion: .directory)
  var library: String?

  func options() -> ServeOptions {
    let environment = ProcessInfo.processInfo.environment
    // systemd names several with colons; the first is the unit's own.
    let given =
      environment["NETIMG_STATE"]
      ?? environment["STATE_DIRECTORY"]?.split(separator: ":").first.map(String.init)
    let home = environment["XDG_STATE_HOME"] ?? "\(environment["HOME"] ?? ".")/.local/state"
    var options = ServeOptions(
      defaultState: given.flatMap { $0.isEmpty ? nil : $0 }
        ?? (geteuid() == 0 ? "/var/lib/netimg" : "\(home)/netimg"))
    options.config = config
    options.state = state
    options.fleet = fleet
    options.allowedSigners = allowedSigners
    options.library = library
    return options
  }

  /// The store and the inventory, for a command beside the server. The store is made if it is not there and may be.
  func open(creating: Bool) throws -> (
    settings: ServeSettings, store: SQLiteStore, directory: DeviceDirectory
  ) {
    let settings = try options().settings()
    if creating {
      try FileManager.default.createDirectory(
        atPath: settings.state, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
    } else if access(settings.store, F_OK) != 0 {
      throw FleetError(
        .notFound,
        "there is no store \(settings.store): netimg serve makes it; if the server's state is elsewhere, name it with --state"
      )
    }
    let store = try SQLiteStore(path: settings.store)
    return (settings, store, DeviceDirectory(store: store, inventory: try settings.inventory()))
  }
}
