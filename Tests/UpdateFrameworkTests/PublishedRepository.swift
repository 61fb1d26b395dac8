import Bytes
import FoundationEssentials
import Signing
import TestSupport
import Testing

@testable import UpdateFramework

/// A repository in a directory, made by the publisher's side, and the keys of those who keep it.
struct PublishedRepository {
  let directory: RepositoryDirectory
  var root: [PrivateKey]
  var targets: [PrivateKey]
  var online: [PrivateKey]
  let now = UpdateTime.now

  /// Begins one: root 2 of 3, targets 1 of 1, one online key.
  init(at path: String, kinds: [PrivateKey.Kind] = [.ed25519]) async throws {
    directory = RepositoryDirectory(path)
    var made = 0
    func key() throws -> PrivateKey {
      made += 1
      return try PrivateKey.generate(kinds[made % kinds.count])
    }
    root = try (0..<3).map { _ in try key() }
    targets = [try key()]
    online = [try key()]
    var content = RootRole(header: RoleHeader(version: 1, expires: now), roles: [:])
    content.add(root, to: "root", threshold: 2)
    content.add(targets, to: "targets", threshold: 1)
    content.add(online, to: "snapshot", threshold: 1)
    content.add(online, to: "timestamp", threshold: 1)
    let draft = RepositoryDraft(root: content, now: now)
    try await merge(draft.proposal(reason: "the beginning"), signers: [root[0], root[1], targets[0]])
    try await directory.publish(signers: online, now: now)
  }

  func load() throws -> Repository {
    try #require(try Repository.load(directory))
  }

  func draft() throws -> RepositoryDraft { RepositoryDraft(try load(), now: now) }

  func merge(_ proposal: Proposal, signers: [PrivateKey]) async throws {
    var proposal = proposal
    let repository = try Repository.load(directory)
    for signer in signers { _ = try await proposal.sign(with: signer, in: repository) }
    try directory.merge(proposal)
  }

  /// Lists a target and publishes everything.
  func add(_ path: String, _ content: String, to role: ExactString = "targets", signers: [PrivateKey])
    async throws
  {
    let bytes = Array(content.utf8)
    let file = TargetFile(length: bytes.count, digests: ContentDigests(sha256: SHA256.digest(of: bytes)))
    try directory.add(bytes, target: path, file)
    var draft = try draft()
    draft.edit(role) { $0.targets[ExactString(path)] = file }
    try await merge(draft.proposal(reason: "add \(path)"), signers: signers)
    try await directory.publish(signers: online, now: now)
  }
}

extension RootRole {
  /// Gives a role these keys and no others.
  mutating func add(_ signers: [PrivateKey], to role: ExactString, threshold: Int) {
    for signer in signers { keys[ExactString(signer.keyID)] = signer.key }
    roles[role] = RoleKeys(keyIDs: signers.map { ExactString($0.keyID) }, threshold: threshold)
  }
}
