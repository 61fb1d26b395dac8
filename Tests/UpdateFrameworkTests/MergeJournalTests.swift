import Bytes
import FoundationEssentials
import TestSupport
import Testing

@testable import UpdateFramework

/// A merge that is broken off, or does not fit: the old state or the new one, never a part of it.
@Suite struct MergeJournalTests {
  /// A proposal that changes who signs for a channel: its parts by themselves are no state.
  private func rotation(of published: PublishedRepository) async throws -> Proposal {
    let (old, new) = (try PrivateKey.generate(.ed25519), try PrivateKey.generate(.ed25519))
    func delegate(_ key: PrivateKey) throws -> RepositoryDraft {
      var draft = try published.draft()
      draft.edit("targets") {
        $0.delegations = Delegations(
          keys: [ExactString(key.keyID): key.key],
          roles: .listed([
            DelegatedRole(
              name: "prod", keys: RoleKeys(keyIDs: [ExactString(key.keyID)], threshold: 1),
              scope: .paths(["prod/*"]))
          ]))
      }
      draft.edit("prod") { _ in }
      return draft
    }
    try await published.merge(
      delegate(old).proposal(reason: "a channel"), signers: published.targets + [old])
    try await published.directory.publish(signers: published.online, now: published.now)
    var draft = try delegate(new)
    draft.root.add([published.root[0], published.root[1]], to: "root", threshold: 1)
    var proposal = try draft.proposal(reason: "other keys")
    for key in published.root + published.targets + [new] {
      _ = try await proposal.sign(with: key, in: published.load())
    }
    #expect(proposal.roles == ["root", "prod", "targets"])
    return proposal
  }

  private func versions(_ repository: Repository) -> [Int?] {
    [
      repository.root.signed.header.version, repository.targets["targets"]?.signed.header.version,
      repository.targets["prod"]?.signed.header.version,
    ]
  }

  /// Killed after its journal and so many of its files.
  @Test(arguments: 0...3) func whatWasBrokenOffIsFinished(_ count: Int) async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      let proposal = try await rotation(of: published)
      let directory = published.directory
      try AtomicFile.write(proposal.bytes, to: directory.journal)
      for file in try directory.stage(proposal).prefix(count) { try file.commit() }
      #expect(versions(try published.load()) == [2, 3, 2])
      // And it goes on from there.
      try await directory.publish(signers: published.online, now: published.now)
      #expect(!FileManager.default.fileExists(atPath: directory.journal))
      #expect(try published.load().snapshot?.signed[role: "prod"]?.version == 2)
      #expect(throws: UpdateError.self) { try directory.merge(proposal) }
    }
  }

  /// Killed before: there are temporary files, and the old state.
  @Test func whatHadNotBegunLeavesTheOldState() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      let proposal = try await rotation(of: published)
      let staged = try published.directory.stage(proposal)
      #expect(versions(try published.load()) == [1, 2, 1])
      for file in staged { file.discard() }
      try published.directory.merge(proposal)
      #expect(versions(try published.load()) == [2, 3, 2])
    }
  }

  @Test(.enabled(if: SmallDisk.isAvailable, "only root may mount a small file system"))
  func whatDoesNotFitLeavesTheOldState() async throws {
    try await withScratchDirectory { scratch in
      try await SmallDisk.with(at: scratch.path + "/disk", bytes: 256 << 10) { disk in
        let published = try await PublishedRepository(at: disk + "/repository")
        let proposal = try await rotation(of: published)
        let metadata = disk + "/repository/metadata"
        let before = try FileManager.default.contentsOfDirectory(atPath: metadata).sorted()
        // Leaves room for some of the files, one page more each time.
        for pages in 0..<6 {
          let free = try #require(SmallDisk.freeBytes(at: disk))
          let filler = disk + "/filler"
          guard free > pages * 4096 else { continue }
          try Data(count: free - pages * 4096).write(to: URL(fileURLWithPath: filler))
          var code: UpdateError.Code?
          do { try published.directory.merge(proposal) } catch { code = (error as? UpdateError)?.code }
          try FileManager.default.removeItem(atPath: filler)
          if code == nil { break }
          #expect(code == .localStorage, "\(pages)")
          let after = try FileManager.default.contentsOfDirectory(atPath: metadata).sorted()
          #expect(after == before, "\(pages)")
          #expect(versions(try published.load()) == [1, 2, 1], "\(pages)")
        }
        if versions(try published.load()) == [1, 2, 1] { try published.directory.merge(proposal) }
        #expect(versions(try published.load()) == [2, 3, 2])
      }
    }
  }

  @Test func aJournalThatIsNoneIsSaid() async throws {
    try await withScratchDirectory { scratch in
      let published = try await PublishedRepository(at: scratch.path)
      try AtomicFile.write(Array("{}".utf8), to: published.directory.journal)
      #expect(throws: UpdateError.self) { try published.load() }
    }
  }
}
