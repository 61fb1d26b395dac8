import Bytes
import Foundation
import TestSupport
import Testing

@testable import BootServer
@testable import Channels
@testable import UpdateFramework

/// A release that is here already is served to a channel's devices only if the channel's gates are open for it.
@Suite struct GateVerdictTests {
  private static func manifest(_ digest: SHA256Digest, _ fixture: LibraryFixture) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: fixture.path(digest, "release.json"))))
  }

  @Test func whatCameByAnotherChannelIsJudgedOnceMore() async throws {
    try await DirectorFixture.with { fixture async throws in
      let (director, library) = (fixture.director, fixture.fixture)
      let repository = try await FollowedRepository(at: library.directory)
      for version in ["1.0", "1.1"] {
        try await repository.list(
          Self.manifest(library.add("edge", version: version), library), "edge", version)
      }
      try await repository.attest("1.0")
      for channel in ["dev", "prod"] { try await repository.enter("edge", "1.0", in: channel) }
      let follower = try repository.follower(director)
      await follower.refresh(try HTTPFetcher())
      #expect(director.served("dev") == ["edge 1.0"] && director.served("prod") == ["edge 1.0"])
      // Merged past the gates: prod stays as it is, and says why.
      for channel in ["dev", "prod"] { try await repository.enter("edge", "1.1", in: channel) }
      for _ in 0..<2 {
        await follower.refresh(try HTTPFetcher())
        #expect(director.served("dev") == ["edge 1.1"] && director.served("prod") == ["edge 1.0"])
        #expect(director.problem("prod")?.contains("no attestation called lab") == true)
      }
      try await repository.attest("1.1")
      await follower.refresh(try HTTPFetcher())
      #expect(director.served("prod") == ["edge 1.1"])
      #expect(director.problem("prod") == nil)
    }
  }

  @Test func whatWasFoundGoodStaysSo() async throws {
    try await DirectorFixture.with { fixture async throws in
      let (director, library) = (fixture.director, fixture.fixture)
      let repository = try await FollowedRepository(at: library.directory)
      try await repository.list(Self.manifest(library.add("edge"), library), "edge", "1.0")
      try await repository.attest("1.0")
      try await repository.enter("edge", "1.0", in: "prod")
      let first = try repository.follower(director)
      await first.refresh(try HTTPFetcher())
      #expect(director.served("prod") == ["edge 1.0"])
      // Who changes the gates does not take back what is current.
      let stricter = FollowedRepository.manifest.replacing("{lab: lab}", with: "{lab: lab, smoke: lab}")
      try await repository.merge(
        repository.plan(stricter).draft(over: repository.open().state, now: .now).proposal(reason: "smoke"))
      await first.refresh(try HTTPFetcher())
      #expect(director.served("prod") == ["edge 1.0"])
      // Nor does a restart, even where nobody can be asked.
      director.follow(ChannelTable(source: "nothing"))
      let second = try repository.follower(director)
      await second.recall()
      #expect(director.served("prod") == ["edge 1.0"])
      // One that knows nothing asks, and hears what is demanded now.
      try FileManager.default.removeItem(atPath: "\(repository.state)/verified/gates.json")
      director.follow(ChannelTable(source: "nothing"))
      await (try repository.follower(director)).refresh(try HTTPFetcher())
      #expect(director.served("prod") == [])
      #expect(director.problem("prod")?.contains("no attestation called smoke") == true)
    }
  }

  @Test func anOldReleaseByANewNameIsNotServed() async throws {
    try await DirectorFixture.with { fixture async throws in
      let (director, library) = (fixture.director, fixture.fixture)
      let repository = try await FollowedRepository(at: library.directory)
      let old = try Self.manifest(library.add("edge"), library)
      for version in ["1.0", "9.9"] { try await repository.list(old, "edge", version) }
      try await repository.enter("edge", "1.0", in: "dev")
      let follower = try repository.follower(director)
      await follower.refresh(try HTTPFetcher())
      #expect(director.served("dev") == ["edge 1.0"])
      try await repository.enter("edge", "9.9", in: "dev")
      await follower.refresh(try HTTPFetcher())
      #expect(director.served("dev") == ["edge 1.0"])
      #expect(director.problem("dev")?.contains("release.json of edge 1.0") == true)
    }
  }

  /// The directory of an import that was killed, by a process that had the identifier which this one has now.
  @Test func whatAKilledImportLeftIsInNobodysWay() async throws {
    try await DirectorFixture.with { fixture async throws in
      let (director, library) = (fixture.director, fixture.fixture)
      let repository = try await FollowedRepository(at: library.directory)
      let digest = try await repository.publish("edge", "2.0")
      try await repository.enter("edge", "2.0", in: "dev")
      let left = library.path(digest).dropLast(digest.hex.count + 1) + ".\(digest.hex).partial-\(getpid())"
      try FileManager.default.createDirectory(atPath: "\(left)/frames", withIntermediateDirectories: true)
      await (try repository.follower(director)).refresh(try HTTPFetcher())
      #expect(director.served("dev") == ["edge 2.0"], "\(director.problem("dev") ?? "")")
      #expect(!FileManager.default.fileExists(atPath: String(left)))
    }
  }
}
