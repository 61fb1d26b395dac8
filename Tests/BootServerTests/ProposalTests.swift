import Foundation
import Synchronization
import TestSupport
import Testing

@testable import BootServer
@testable import Channels
@testable import UpdateFramework

/// The directory of proposals, in which others write.
@Suite struct ProposalTests {
  private static func names(_ folder: String) -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()
  }

  /// A renewal of dev that waits for a signature, or has it.
  private static func write(
    _ name: String, in folder: String, signed: Bool, _ repository: FollowedRepository
  ) async throws {
    var draft = RepositoryDraft(try repository.open().state, now: .now)
    _ = draft.renew("channel-dev")
    var proposal = try draft.proposal(reason: name)
    if signed {
      _ = try await proposal.sign(with: repository.signer("ada"), in: repository.open().state)
    }
    try Data(proposal.bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name).json"))
  }

  @Test func mergedOnesMakeRoomForThoseThatWait() async throws {
    try await DirectorFixture.with { fixture async throws in
      let repository = try await FollowedRepository(at: fixture.fixture.directory)
      let folder = "\(repository.state)/proposals"
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let follower = try repository.follower(fixture.director, proposals: folder)
      func version() throws -> Int? {
        try repository.open().channel("dev").metadata?.signed.header.version
      }
      let before = try #require(try version())
      for number in 1...3 {
        try await Self.write("a", in: folder, signed: true, repository)
        await follower.tend()
        #expect(try version() == before + number)
      }
      #expect(Self.names(folder) == ["merged"])
      #expect(Self.names("\(folder)/merged") == ["a.json", "a.json.1", "a.json.2"])
      // One that was merged by hand is put away as well, and the one that waits stays.
      try await Self.write("b", in: folder, signed: false, repository)
      try FileManager.default.copyItem(atPath: "\(folder)/merged/a.json", toPath: "\(folder)/c.json")
      await follower.tend()
      #expect(Self.names(folder) == ["b.json", "merged"])
      #expect(follower.view.withLock(\.proposals).map(\.file) == ["b.json"])
      // Where git keeps them they stay, and take no place from those that wait.
      let git = follower.gitProposals
      try FileManager.default.createDirectory(atPath: git, withIntermediateDirectories: true)
      for number in 0..<ChannelFollower.maximumProposals {
        try FileManager.default.copyItem(atPath: "\(folder)/merged/a.json", toPath: "\(git)/a\(number).json")
      }
      try await Self.write("z", in: git, signed: true, repository)
      let other = try repository.follower(fixture.director, proposals: git)
      let last = try #require(try version())
      for _ in 0..<2 { await other.tend() }
      #expect(try version() == last + 1)
      #expect(Self.names(git).count == ChannelFollower.maximumProposals + 1)
    }
  }

  @Test func whatIsNoProposalIsNotRead() async throws {
    try await withScratchDirectory { scratch in
      let path = { (name: String) in "\(scratch.path)/\(name).json" }
      try Data("{}".utf8).write(to: URL(fileURLWithPath: path("good")))
      try FileManager.default.createSymbolicLink(atPath: path("link"), withDestinationPath: path("good"))
      #expect(mkfifo(path("pipe"), 0o600) == 0)
      try Data().write(to: URL(fileURLWithPath: path("big")))
      #expect(truncate(path("big"), off_t(ProposalFile.maximumSize) + 1) == 0)
      #expect(try ProposalFile(path: path("good")).read() == Array("{}".utf8))
      for name in ["link", "pipe", "big", "none"] {
        #expect(throws: UpdateError.self, "\(name)") { try ProposalFile(path: path(name)).read() }
      }
    }
  }
}
