import Bytes
import FoundationEssentials
import Signing
import Testing

@testable import Channels
@testable import UpdateFramework

/// A repository made from a manifest, with a key for each of its people.
struct SampleRepository {
  static let manifest = """
    kind: Repository
    people:
      ada: [ada-laptop, ada-token]
      bob: bob
      eve: eve
      ci: ci
      server: server
    roles:
      root: {signers: [ada, bob, eve], threshold: 2, count: people, days: 365}
      targets: {signers: [ada, bob], threshold: 1}
      releases: {signers: [ci], threshold: 1, days: 90}
      snapshot: {signers: [server], days: 7}
      timestamp: {signers: [server], days: 1}
    channels:
      dev: {signers: [ci]}
      staging: {signers: [ada, bob], after: dev}
      prod: {signers: [ada, bob, eve], threshold: 2, count: people, after: staging, soakHours: 24}
    """

  let directory: RepositoryDirectory
  let keys: [String: KeyPair]
  var now: UpdateTime

  static func pairs() throws -> [String: KeyPair] {
    try Dictionary(
      uniqueKeysWithValues: ["ada-laptop", "ada-token", "bob", "eve", "ci", "server"].map {
        ($0, try KeyPair.generate(name: $0))
      })
  }

  static func plan(_ text: String, _ keys: [String: KeyPair]) throws -> RepositoryPlan {
    struct NoKey: Error {}
    return try RepositoryPlan(Array(text.utf8), file: "repository.yaml") { name in
      guard let pair = keys[name] else { throw NoKey() }
      return pair.publicKey
    }
  }

  init(
    at path: String, manifest: String = Self.manifest, keys: [String: KeyPair]? = nil, now: UpdateTime = .now
  ) async throws {
    self.now = now
    directory = RepositoryDirectory(path)
    self.keys = try keys ?? Self.pairs()
    let draft = try Self.plan(manifest, self.keys).draft(over: nil, now: now)
    try await merge(draft.proposal(reason: "the beginning"), ["ada-laptop", "bob", "ci", "eve"])
  }

  func open() throws -> ChannelRepository { try ChannelRepository(directory) }

  func signer(_ name: String) throws -> KeyRingSigner { KeyRingSigner(FileSigner(try #require(keys[name]))) }

  /// Signs with these keys, merges and publishes.
  func merge(_ proposal: Proposal, _ names: [String]) async throws {
    var proposal = proposal
    let state = try Repository.load(directory)
    for name in names { _ = try await proposal.sign(with: signer(name), in: state) }
    if state != nil { try open().prepareMerge(of: proposal, now: now) }
    try directory.merge(proposal)
    try await directory.publish(signers: [signer("server")], now: now)
  }

  /// A release.json.
  static func manifest(_ image: String, _ version: String, artifacts: String = "") -> [UInt8] {
    let text = """
      {"format": 1, "name": "\(image)", "version": "\(version)", "architecture": "amd64", "timestamp": 1,
       "source": {"dirty": false, "manifest": "m", "manifestDigest": "", "lockDigest": "", "stage0Digest": ""},
       "kernel": {"release": "6.12", "commandLine": ""},
       "root": {"hash": "", "size": 1, "dataSize": 1, "frames": 0, "framesSize": 0}, "pcr11": {"boot": ""},
       "artifacts": [\(artifacts)], "exceptions": [],
       "builder": {"version": "0", "compressionLevel": 1, "formats": {}}}
      """
    return Array(text.utf8)
  }

  /// Proposes to list a release without a build: what it is made of does not matter to channels.
  func listing(_ image: String, _ version: String, bytes: [UInt8]? = nil) throws -> Proposal {
    let bytes = bytes ?? Self.manifest(image, version)
    let file = TargetFile(length: bytes.count, digests: ContentDigests(sha256: SHA256.digest(of: bytes)))
    try directory.add(bytes, target: Names.release(image, version).text, file)
    var draft = RepositoryDraft(try open().state, now: now)
    draft.edit(Names.releases) { $0.targets[Names.release(image, version)] = file }
    return try draft.proposal(reason: "publish \(image) \(version)")
  }

  func list(_ image: String, _ version: String, bytes: [UInt8]? = nil) async throws {
    try await merge(listing(image, version, bytes: bytes), ["ci"])
  }

  /// What a promotion writes into a channel, made past all gates.
  func entry(
    _ image: String, _ version: String, time: UpdateTime? = nil, rollbackFrom: String? = nil
  ) throws -> TargetFile {
    let release = try open().release(image, version)
    var file = release.file
    file.custom =
      ChannelEntry(
        image: image, version: version, release: release.digest, reason: "because", time: time ?? now,
        rollbackFrom: rollbackFrom
      ).custom
    return file
  }

  /// A change of a channel's metadata, made past all gates.
  func change(_ channel: String, _ body: (inout TargetsRole) -> Void) throws -> Proposal {
    var draft = RepositoryDraft(try open().state, now: now)
    draft.edit(Names.role(ofChannel: channel), body)
    return try draft.proposal(reason: "changed")
  }

  func promote(_ image: String, _ version: String, to channel: String, _ names: [String], back: Bool = false)
    async throws
  {
    let proposal = try open().promote(
      image, version, to: channel, reason: "because", isRollback: back, now: now)
    try await merge(proposal, names)
  }

  /// What a channel says: `router 1.2`.
  func current(_ channel: String) throws -> [String] {
    try open().channel(channel).entries().map { "\($0.image) \($0.version)" }
  }
}

/// The code of the error that an attempt ends with.
func refusal(_ body: () async throws -> Void) async -> String {
  do {
    try await body()
    return "accepted"
  } catch let error as ChannelError {
    return "\(error.code)"
  } catch let error as UpdateError {
    return "\(error.code)"
  } catch {
    return "\(error)"
  }
}
