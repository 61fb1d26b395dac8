import Bytes
import FoundationEssentials
import Testing
import Signing
import TestSupport
import Transfers

@testable import UpdateFramework

/// A repository in memory that does whatever a test wants, honest or not. It signs with the keys that it is
/// told to, bumps versions as it is told to, and serves any bytes under any name.
struct TestRepository: Sendable {
  var root: RootRole
  var timestamp: TimestampRole
  var snapshot: SnapshotRole
  var targets: [ExactString: TargetsRole]
  /// The keys that sign each role.
  var signers: [ExactString: [PrivateKey]] = [:]
  /// What is served, by path: `metadata/1.root.json`, `targets/DIGEST.name`.
  var files: [String: [UInt8]] = [:]
  /// Whether snapshot and timestamp say lengths and digests.
  var describesFiles = true

  static let later = UpdateTime.now.advanced(by: 30 * 86400)

  /// A repository with one Ed25519 key a role, its first version published.
  init() throws {
    let header = RoleHeader(version: 1, expires: Self.later)
    root = RootRole(header: header, roles: [:])
    timestamp = TimestampRole(header: header, snapshot: MetadataFile(version: 1))
    snapshot = SnapshotRole(header: header, files: ["targets.json": MetadataFile(version: 1)])
    targets = ["targets": TargetsRole(header: header)]
    for name in RootRole.roleNames {
      root.roles[name] = RoleKeys(keyIDs: [], threshold: 1)
      try addKey(to: name)
    }
    try publish("root", "targets", "snapshot", "timestamp", bump: false)
  }

  /// Gives a top-level role another key, which signs for it from now on.
  @discardableResult
  mutating func addKey(to role: ExactString, _ kind: PrivateKey.Kind = .ed25519) throws -> PrivateKey {
    let key = try PrivateKey.generate(kind)
    root.keys[ExactString(key.keyID)] = key.key
    root.roles[role]?.keyIDs.append(ExactString(key.keyID))
    signers[role, default: []].append(key)
    return key
  }

  /// Replaces a top-level role's keys by a new one.
  mutating func rotateKeys(of role: ExactString) throws {
    root.roles[role]?.keyIDs = []
    signers[role] = []
    try addKey(to: role)
  }

  /// Delegates, with a new key.
  @discardableResult
  mutating func delegate(
    _ name: ExactString, from delegator: ExactString = "targets", _ scope: DelegatedRole.Scope,
    isTerminating: Bool = false
  ) throws -> PrivateKey {
    let key = try PrivateKey.generate(.ed25519)
    var delegations = targets[delegator]?.delegations ?? Delegations()
    delegations.keys[ExactString(key.keyID)] = key.key
    guard case .listed(var roles) = delegations.roles else { preconditionFailure("listed roles") }
    roles.append(
      DelegatedRole(
        name: name, keys: RoleKeys(keyIDs: [ExactString(key.keyID)], threshold: 1), scope: scope,
        isTerminating: isTerminating))
    delegations.roles = .listed(roles)
    targets[delegator]?.delegations = delegations
    if targets[name] == nil {
      targets[name] = TargetsRole(header: RoleHeader(version: 0, expires: Self.later))
    }
    signers[name, default: []].append(key)
    return key
  }

  /// Lists a target and serves its file.
  mutating func add(_ path: String, _ content: String, to role: ExactString = "targets") {
    let bytes = Array(content.utf8)
    let digest = SHA256.digest(of: bytes)
    targets[role]?.targets[ExactString(path)] = TargetFile(
      length: bytes.count, digests: ContentDigests(sha256: digest))
    files["targets/" + FileNames.address(of: path, digest: digest.hex)] = bytes
  }

  func signed<Content: RoleContent>(_ content: Content, by keys: [PrivateKey]) throws -> Metadata<Content> {
    var metadata = try Metadata(content)
    for key in keys {
      let signature = try key.signature(over: metadata.signedBytes)
      metadata.add(MetadataSignature(keyID: ExactString(key.keyID), text: Hex.encode(signature)))
    }
    return metadata
  }

  /// Signs and serves the next versions of roles; the snapshot takes note of targets, the timestamp of
  /// snapshots.
  mutating func publish(_ names: ExactString..., bump: Bool = true) throws {
    for name in names {
      let keys = signers[name] ?? []
      let step = bump ? 1 : 0
      let bytes: [UInt8]
      let version: Int
      switch name {
      case "root":
        root.header.version += step
        (bytes, version) = (try signed(root, by: keys).bytes, root.header.version)
      case "timestamp":
        timestamp.header.version += step
        (bytes, version) = (try signed(timestamp, by: keys).bytes, timestamp.header.version)
        files["metadata/timestamp.json"] = bytes
      case "snapshot":
        snapshot.header.version += step
        (bytes, version) = (try signed(snapshot, by: keys).bytes, snapshot.header.version)
        timestamp.snapshot = describe(bytes, version)
      default:
        guard var role = targets[name] else { preconditionFailure("an unknown role") }
        role.header.version += step
        targets[name] = role
        (bytes, version) = (try signed(role, by: keys).bytes, role.header.version)
        snapshot[role: name] = describe(bytes, version)
      }
      files["metadata/\(version).\(FileNames.escaped(name.text)).json"] = bytes
    }
  }

  /// Everything but the root.
  mutating func publishAll() throws {
    for name in targets.keys.sorted() { try publish(name) }
    try publish("snapshot", "timestamp")
  }

  private func describe(_ bytes: [UInt8], _ version: Int) -> MetadataFile {
    guard describesFiles else { return MetadataFile(version: version) }
    return MetadataFile(
      version: version, length: bytes.count, digests: ContentDigests(sha256: SHA256.digest(of: bytes)))
  }

  /// Answers with the files as they are now.
  var handler: @Sendable (LoopbackServer.Request) -> LoopbackServer.Reply {
    let files = files
    return { request in
      files[String(request.rawPath.dropFirst())].map { .file($0) } ?? .status(404)
    }
  }
}

/// A client with a directory of its own, against a real server.
struct TestClient {
  let server: LoopbackServer
  let directory: String
  var limits = UpdateLimits()
  var policy = TransferPolicy()

  var local: LocalMetadata { LocalMetadata(directory: directory + "/trust") }

  /// A new client, as each run of a program is one.
  func updater() throws -> Updater {
    try Updater(
      local: local, fetcher: try HTTPFetcher(policy: policy), metadataURL: server.address + "/metadata",
      targetsURL: server.address + "/targets", limits: limits)
  }

  func refresh(_ repository: TestRepository) async throws {
    server.handle(repository.handler)
    try await updater().refresh()
  }

  /// Downloads a target and reads what lies there.
  func download(_ path: String, _ repository: TestRepository) async throws -> String {
    server.handle(repository.handler)
    let updater = try updater()
    let place = Updater.localPath(of: path, in: directory)
    try await updater.download(updater.target(path), to: place)
    return try String(contentsOfFile: place, encoding: .utf8)
  }

  /// Downloads a target that must have this content.
  func expect(
    _ path: String, _ repository: TestRepository, is content: String,
    at location: SourceLocation = #_sourceLocation
  ) async throws {
    let found = try await download(path, repository)
    #expect(found == content, sourceLocation: location)
  }

  /// The code and role of the error that an attempt ends with, such as `expired timestamp`.
  func refusal(_ body: () async throws -> Void) async -> String {
    do {
      try await body()
      return "accepted"
    } catch let error as UpdateError {
      return error.role.map { "\(error.code) \($0)" } ?? "\(error.code)"
    } catch {
      return "\(error)"
    }
  }

  func refusal(_ repository: TestRepository) async -> String {
    await refusal { try await refresh(repository) }
  }

  /// The version of a role that is trusted on disk.
  func version(_ role: String) -> Int? {
    guard let bytes = FileManager.default.contents(atPath: local.path(of: role)),
      let value = try? JSONParser.parse(Array(bytes), maximumSize: 1 << 24)
    else { return nil }
    return value["signed"]?["version"]?.integer
  }

  /// The trusted versions of root, timestamp, snapshot and targets; 0 for none.
  var versions: [Int] { RootRole.roleNames.map { version($0.text) ?? 0 } }
}

/// A client that trusts the repository's first root, for the time of a closure.
func withClient(
  of repository: TestRepository, _ body: (TestClient) async throws -> Void
) async throws {
  try await withScratchDirectory { directory in
    try await withServer(repository.handler) { server in
      let client = TestClient(server: server, directory: directory.path)
      let root = try #require(repository.files["metadata/1.root.json"])
      try client.local.initialize(root: root)
      try await body(client)
    }
  }
}
