internal import ArgumentParser
internal import Bytes
internal import Channels
internal import FoundationEssentials
internal import Glibc
internal import Transfers
internal import UpdateFramework

/// How a repository behind an address is reached and believed.
struct RemoteOptions: ParsableArguments {
  @Option(
    name: .long,
    help: ArgumentHelp(
      "The root metadata to trust from now on, as somebody gave it to you; with an address it is needed the first time (default: what was trusted the last time; of a directory it is kept beside the keys).",
      valueName: "file"),
    completion: .file(extensions: ["json"]))
  var root: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "With an address: where trusted metadata are kept (default: a directory for each address below $XDG_STATE_HOME/netimg or ~/.local/state/netimg).",
      valueName: "directory"),
    completion: .directory)
  var trust: String?

  @Option(
    name: .long,
    help: ArgumentHelp(
      "With an address: the certificates (PEM) of those who may vouch for the server, in place of the system's.",
      valueName: "file"),
    completion: .file(extensions: ["pem", "crt"]))
  var ca: String?

  var policy: TransferPolicy {
    var policy = TransferPolicy()
    policy.authorities = ca
    return policy
  }

  /// The server's API.
  /// - Throws: `ValidationError` for a static host.
  func control(_ address: RepositoryAddress) throws -> ControlClient {
    guard let server = address.server else {
      throw ValidationError(
        "\(address.repository) is a static host, which takes nothing: name a netimg serve, as https://HOST:PORT/repository."
      )
    }
    return try ControlClient(server, policy: policy)
  }

  /// Refreshes and verifies a repository.
  func open(_ address: RepositoryAddress) async throws -> RemoteRepository {
    let trust = try trustedMetadata(address)
    for _ in 0..<250 {
      do {
        return try await refresh(address, trust)
      } catch let error as UpdateError where error.code == .conflict {
        // Another netimg is just looking at the same repository.
        try await Task.sleep(for: .milliseconds(20))
      }
    }
    return try await refresh(address, trust)
  }

  private func refresh(_ address: RepositoryAddress, _ trust: LocalMetadata) async throws -> RemoteRepository
  {
    try await RemoteRepository(
      trust: trust, fetcher: HTTPFetcher(policy: policy), url: address.repository, scratch: Scratch.path)
  }

  /// The trusted metadata, begun with the root that was given; another root begins them anew.
  private func trustedMetadata(_ address: RepositoryAddress) throws -> LocalMetadata {
    let local = LocalMetadata(directory: trust ?? Self.place(of: address))
    guard let root else {
      guard FileManager.default.fileExists(atPath: local.path(of: "root")) else {
        throw ValidationError(
          "Nothing of \(address.repository) is trusted yet: name the root metadata that somebody gave you with --root."
        )
      }
      return local
    }
    let given = try Data(contentsOf: URL(fileURLWithPath: root))
    let copy = "\(local.directory)/given-root"
    if FileManager.default.contents(atPath: copy) != given
      || !FileManager.default.fileExists(atPath: local.path(of: "root"))
    {
      try FileManager.default.createDirectory(atPath: local.directory, withIntermediateDirectories: true)
      try local.initialize(root: [UInt8](given))
      try given.write(to: URL(fileURLWithPath: copy), options: .atomic)
    }
    return local
  }

  private static func place(of address: RepositoryAddress) -> String {
    let environment = ProcessInfo.processInfo.environment
    let state = environment["XDG_STATE_HOME"] ?? "\(environment["HOME"] ?? ".")/.local/state"
    let name = SHA256.digest(of: Array(address.repository.utf8)).hex.prefix(16)
    return "\(state)/netimg/repositories/\(name)"
  }
}

/// A directory for what one command fetches; it goes with the command.
enum Scratch {
  static let path: String = {
    let path = FileManager.default.temporaryDirectory
      .appendingPathComponent("netimg-\(String(UInt64.random(in: 0 ... .max), radix: 36))").path
    atexit { try? FileManager.default.removeItem(atPath: Scratch.path) }
    return path
  }()
}
