import Bytes
import Foundation
import FrameFormat
import Logging
import Manifest
import ServerCore
import Signing
import Testing

@testable import BootServer
@testable import Channels
@testable import UpdateFramework

/// A repository and a server that follows it. What is merged here is merged by a program that looks at no gates.
struct FollowedRepository {
  static let manifest = """
    kind: Repository
    people: {ada: ada, lab: lab, server: server}
    roles:
      root: {signers: [ada]}
      targets: {signers: [ada]}
      releases: {signers: [ada]}
      snapshot: {signers: [server]}
      timestamp: {signers: [server]}
    channels:
      dev: {signers: [ada]}
      prod: {signers: [ada], attestations: {lab: lab}}
    """

  let directory: RepositoryDirectory
  let keys: [String: KeyPair]
  let state: String

  init(at path: String) async throws {
    directory = RepositoryDirectory("\(path)/repository")
    state = "\(path)/state"
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    keys = try Dictionary(
      uniqueKeysWithValues: ["ada", "lab", "server"].map { ($0, try KeyPair.generate(name: $0)) })
    try await merge(plan(Self.manifest).draft(over: nil, now: .now).proposal(reason: "begin"))
  }

  func plan(_ text: String) throws -> RepositoryPlan {
    try RepositoryPlan(Array(text.utf8), file: "repository.yaml") { try #require(keys[$0]).publicKey }
  }

  func signer(_ name: String) throws -> KeyRingSigner { KeyRingSigner(FileSigner(try #require(keys[name]))) }

  func open() throws -> ChannelRepository { try ChannelRepository(directory) }

  func merge(_ proposal: Proposal) async throws {
    var proposal = proposal
    _ = try await proposal.sign(with: signer("ada"), in: Repository.load(directory))
    try directory.merge(proposal)
    try await directory.publish(signers: [signer("server")], now: .now)
  }

  /// Lists a release under a name, whatever it is called itself.
  func list(_ manifest: [UInt8], _ image: String, _ version: String) async throws {
    let file = TargetFile(
      length: manifest.count, digests: ContentDigests(sha256: SHA256.digest(of: manifest)))
    try directory.add(manifest, target: Names.release(image, version).text, file)
    var draft = RepositoryDraft(try open().state, now: .now)
    draft.edit(Names.releases) { $0.targets[Names.release(image, version)] = file }
    try await merge(draft.proposal(reason: "publish"))
  }

  /// Publishes a release with one frame, which boots nothing.
  func publish(_ image: String, _ version: String) async throws -> SHA256Digest {
    let frame = Array("\(image) \(version) ".utf8) + [UInt8](repeating: 1, count: 5000)
    let index = RootIndex(
      dataSize: 4096, rootHash: SHA256.digest(of: []),
      frames: [RootIndex.Frame(digest: SHA256.digest(of: frame), storedSize: frame.count, size: 8192)])
    let files: [(name: String, bytes: [UInt8])] = [
      ("root.index", index.encode()), ("initrd", Array("initrd \(version)".utf8)),
      ("uki.efi", Array("uki \(version)".utf8)), ("vmlinuz", Array("kernel".utf8)),
    ]
    let artifacts = files.map {
      #"{"name": "\#($0.name)", "sha256": "\#(SHA256.digest(of: $0.bytes).hex)", "size": \#($0.bytes.count)}"#
    }
    let manifest = """
      {"format": 1, "name": "\(image)", "version": "\(version)", "architecture": "amd64", "timestamp": 1,
       "source": {"dirty": false, "manifest": "m", "manifestDigest": "", "lockDigest": "", "stage0Digest": ""},
       "kernel": {"release": "6.12", "commandLine": ""},
       "root": {"hash": "", "size": 1, "dataSize": 1, "frames": 0, "framesSize": 0}, "pcr11": {"boot": ""},
       "artifacts": [\(artifacts.joined(separator: ", "))], "exceptions": [],
       "builder": {"version": "0", "compressionLevel": 1, "formats": {}}}
      """
    for bytes in files.map(\.bytes) + [frame] {
      _ = try directory.addObject(bytes, at: Names.object(SHA256.digest(of: bytes).hex))
    }
    try await list(Array(manifest.utf8), image, version)
    return SHA256.digest(of: Array(manifest.utf8))
  }

  /// Makes a release current.
  func enter(_ image: String, _ version: String, in channel: String) async throws {
    let release = try open().release(image, version)
    var file = release.file
    file.custom =
      ChannelEntry(image: image, version: version, release: release.digest, reason: "because", time: .now)
      .custom
    let path = Names.current(image, in: channel)
    try directory.copyTarget(Names.release(image, version).text, release.file, to: path.text, file)
    var draft = RepositoryDraft(try open().state, now: .now)
    draft.edit(Names.role(ofChannel: channel)) { $0.targets[path] = file }
    try await merge(draft.proposal(reason: "enter"))
  }

  func attest(_ version: String, _ name: String = "lab") async throws {
    _ = try await open().attest(
      "edge", version, name: name, details: nil, signer: FileSigner(try #require(keys["lab"])))
  }

  /// A server that has just begun.
  /// - Parameter proposals: The directory of proposals; the server has the online key then.
  func follower(_ director: BootDirector, proposals: String? = nil) throws -> ChannelFollower {
    var settings = RepositorySettings(
      from: directory.path, root: "\(directory.path)/metadata/1.root.json")
    if let proposals {
      settings.proposals = proposals
      settings.keys = "\(state)/keys"
      settings.onlineKey = "server"
      let ring = KeyRing(directory: "\(state)/keys")
      try KeyRing.makeDirectory("\(state)/keys")
      if try !FileManager.default.fileExists(atPath: ring.secretPath("server")) {
        _ = try ring.add(try #require(keys["server"]), protection: .none)
      }
    }
    return try ChannelFollower(
      settings, state: state, roles: Set(ServerRole.allCases), director: director, health: ServerHealth(),
      metrics: ChannelMetrics(MetricsRegistry()),
      logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
  }
}

extension BootDirector {
  /// What a channel serves: `edge 1.0`.
  func served(_ channel: String) -> [String] {
    channels?.channels[channel]?.entries.map { "\($0.image) \($0.version)" } ?? []
  }

  func problem(_ channel: String) -> String? { channels?.channels[channel]?.problem }
}
