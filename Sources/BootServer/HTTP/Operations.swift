internal import DHCP
package import Fleet
internal import FoundationEssentials
internal import Manifest
package import NetworkTypes
package import ServerCore
internal import Synchronization

/// Health, metrics and the API, on the same listeners: health is for everybody, the rest for operators alone.
package struct Operations: Sendable {
  private let director: BootDirector
  private let store: any FleetStore
  private let registry: MetricsRegistry
  private let health: ServerHealth
  private let operators: OperatorNetworks
  private let follower: ChannelFollower?
  private let git: GitViewer
  private let hasAPI: Bool
  private let writing: WriteAPI

  /// - Parameters:
  ///   - hasAPI: Whether the API is this process's; else it says where to ask.
  ///   - follower: What follows the repository; `nil` if there is none.
  ///   - git: What follows a git repository.
  ///   - writing: What changes something.
  package init(
    director: BootDirector, store: any FleetStore, registry: MetricsRegistry, health: ServerHealth,
    operators: OperatorNetworks, follower: ChannelFollower? = nil, git: GitViewer = GitViewer(),
    hasAPI: Bool = true, writing: WriteAPI = WriteAPI()
  ) {
    self.hasAPI = hasAPI
    self.writing = writing
    self.git = git
    self.follower = follower
    self.director = director
    self.store = store
    self.registry = registry
    self.health = health
    self.operators = operators
  }

  /// `nil` for what is none of this.
  func respond(to request: HTTPRequest) -> HTTPResponse? {
    switch request.path.first {
    case "healthz" where request.path.count == 1: return .text(200, "ok")
    case "readyz" where request.path.count == 1:
      let problems = health.problems
      return problems.isEmpty ? .text(200, "ready") : .text(503, problems.joined(separator: "\n"))
    case "metrics" where request.path.count == 1:
      guard operators.contains(request.peer) else { return Self.forbidden }
      return HTTPResponse(
        contentType: "text/plain; version=0.0.4; charset=utf-8", headers: [("Cache-Control", "no-store")],
        body: .bytes(Array(registry.exposition().utf8)))
    case "api":
      guard operators.contains(request.peer) else { return Self.forbidden }
      guard hasAPI else { return Self.elsewhere }
      return api(Array(request.path.dropFirst()), request)
    case RepositoryFiles.name: return writing.files.respond(to: request)
    default: return nil
    }
  }

  /// What becomes of a request that would change something.
  func plan(for request: HTTPRequest) -> HTTPBodyPlan {
    guard request.path.starts(with: ["api", "v1"]) else { return .refuse(.readOnly) }
    guard operators.contains(request.peer) else { return .refuse(Self.forbidden) }
    guard hasAPI else { return .refuse(Self.elsewhere) }
    return writing.plan(Array(request.path.dropFirst(2)), request)
  }

  private static let forbidden = HTTPResponse.text(
    403, "Only operators may read this: ask from the server itself, or add your network to http.operators.")

  private static let elsewhere = HTTPResponse.text(
    404, "The API is where the role control listens: control.listen in its settings.")

  private func api(_ path: [String], _ request: HTTPRequest) -> HTTPResponse {
    let directory = DeviceDirectory(store: store, inventory: director.settings.inventory)
    do {
      switch path.count {
      case 2 where path == ["v1", "devices"]: return try json(directory.list().map { DeviceView($0) })
      case 3 where path.starts(with: ["v1", "devices"]): return try json(DeviceView(directory.find(path[2])))
      case 4 where path.starts(with: ["v1", "devices"]) && path[3] == "boots":
        guard let record = try directory.find(path[2]).record else { return try json([BootView]()) }
        return try json(store.boots(of: record.id, limit: 50).map { BootView($0) })
      case 4 where path.starts(with: ["v1", "devices"]) && path[3] == "explanation":
        return try json(
          BootExplanation(
            directory.find(path[2]), director: director, store: store, now: director.clock() / 1000))
      case 2 where path == ["v1", "events"]:
        return try json(store.events(limit: 200).map { EventView($0) })
      case 2 where path == ["v1", "leases"]:
        let leases = try (store as? any LeaseStore)?.loadLeases() ?? []
        let now = director.clock() / 1000
        return try json(
          leases.filter { $0.expires > now }.sorted { $0.address < $1.address }.map { LeaseView($0) })
      case 2 where path == ["v1", "git"]:
        guard let view = git.view else {
          return .text(404, "This server follows no git repository: name one in its settings (git).")
        }
        return try json(view)
      case 2 where path == ["v1", "releases"]:
        return try json(director.library.releases.map { ReleaseView($0) })
      default:
        if let answer = try writing.answer(Array(path.dropFirst())) ?? repository(path) { return answer }
        return .text(
          404,
          "The API has v1/devices, v1/devices/DEVICE[/boots|/explanation], v1/events, v1/leases, v1/releases, v1/git, v1/repository[/releases|/proposals|/uploads], v1/library/uploads, v1/channels and v1/channels/CHANNEL[/history]."
        )
      }
    } catch let error as FleetError where error.code == .notFound || error.code == .ambiguous {
      return .text(404, error.message)
    } catch {
      return .text(500, "\(error)")
    }
  }

  /// What is known of the repository; `nil` for what is none of it.
  private func repository(_ path: [String]) throws -> HTTPResponse? {
    guard path.count >= 2, path[0] == "v1", ["repository", "channels"].contains(path[1]) else { return nil }
    guard let follower else {
      return .text(404, "This server follows no repository: name one in its settings (repository).")
    }
    let view = follower.view.withLock(\.self)
    switch (path[1], path.count) {
    case ("repository", 2):
      return try json(
        RepositoryReport(
          source: follower.settings.from, valid: follower.isValid(view), problem: view.problem,
          roles: view.roles))
    case ("repository", 3) where path[2] == "releases":
      return try json(view.releases.map { RepositoryView.Release($0) })
    case ("repository", 3) where path[2] == "proposals": return try json(view.proposals)
    case ("channels", 2): return try json(view.channels)
    case ("channels", 3...4):
      guard let channel = view.channels.first(where: { $0.name == path[2] }) else {
        return .text(404, "There is no channel \(path[2]).")
      }
      if path.count == 3 { return try json(channel) }
      guard path[3] == "history" else { return nil }
      return try json((view.histories[channel.name] ?? []).map { RepositoryView.Event($0) })
    default: return nil
    }
  }

  private func json(_ value: some Encodable) throws -> HTTPResponse {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return .json(200, [UInt8](try encoder.encode(value)) + [0x0A])
  }
}

/// Who may read metrics and the API: the host itself, and networks that the settings name.
package final class OperatorNetworks: Sendable {
  private let networks: Mutex<[IPv4Network]>

  package init(_ networks: [IPv4Network]) { self.networks = Mutex(networks) }

  package func change(_ networks: [IPv4Network]) { self.networks.withLock { $0 = networks } }

  package func contains(_ address: IPAddress) -> Bool {
    switch address {
    case .v4(let address):
      address.value >> 24 == 127 || networks.withLock { $0.contains { $0.contains(address) } }
    case .v6(let address): address.high == 0 && address.low == 1
    }
  }
}

/// What keeps the server from doing its work, if anything.
package final class ServerHealth: Sendable {
  private let state = Mutex<[String: String]>(["start": "the server is starting"])

  package init() {}

  /// States a problem under a name, or with `nil` that there is none any more.
  package func set(_ name: String, _ problem: String?) { state.withLock { $0[name] = problem } }

  package var problems: [String] { state.withLock { $0.sorted { $0.key < $1.key }.map(\.value) } }
}
