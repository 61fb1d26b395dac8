import Bytes
import FoundationEssentials
import Signing
import TestSupport
import Testing
import Transfers

@testable import UpdateFramework

/// The attacks of the specification's list (1.5.2), each acted out by a hostile repository against the real
/// client.
@Suite struct AttackTests {
  private static let year = 366 * 86400

  // Arbitrary software.

  @Test(arguments: ["root", "timestamp", "snapshot", "targets"] as [ExactString])
  func metadataOfAStrangersKeyAreRefused(_ role: ExactString) async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      repository.signers[role] = [try PrivateKey.generate(.ed25519)]
      try repository.publish("root", "targets", "snapshot", "timestamp")
      #expect(await client.refusal(repository) == "threshold \(role)")
      let accepted = RootRole.roleNames.firstIndex(of: role) ?? 0
      #expect(
        client.versions
          == [2, 2, 2, 2].enumerated().map { $0.offset < accepted ? $0.element : $0.offset == 0 ? 1 : 0 })
    }
  }

  @Test func aTargetWithOtherBytesIsNeverSeen() async throws {
    var repository = try TestRepository()
    repository.add("app", "good")
    try repository.publishAll()
    let name = try #require(repository.files.keys.first { $0.hasSuffix(".app") })
    try await withClient(of: repository) { client in
      for (content, code) in [
        ("evil", "wrongDigest targets"), ("evi", "wrongLength targets"), ("longer", "tooLarge"),
      ] {
        repository.files[name] = Array(content.utf8)
        let refusal = await client.refusal { _ = try await client.download("app", repository) }
        #expect(refusal.hasPrefix(code))
        #expect(try FileManager.default.contentsOfDirectory(atPath: client.directory) == ["trust"])
      }
      // An older good copy stays what it was.
      repository.files[name] = Array("good".utf8)
      try await client.expect("app", repository, is: "good")
      repository.add("app", "better")
      try repository.publishAll()
      repository.files = repository.files.filter { !$0.key.hasSuffix(".app") }
      #expect(await client.refusal { _ = try await client.download("app", repository) } == "notAvailable")
      #expect(try String(contentsOfFile: client.directory + "/app", encoding: .utf8) == "good")
    }
  }

  @Test func aTargetOfUnknownDigestsCannotBeChecked() async throws {
    var repository = try TestRepository()
    repository.add("app", "good")
    let digests = try ContentDigests(.object([.init("md5", .string("00"))]), at: "")
    repository.targets["targets"]?.targets["app"]?.digests = digests
    try repository.publishAll()
    try await withClient(of: repository) { client in
      #expect(
        await client.refusal { _ = try await client.download("app", repository) } == "wrongDigest targets")
    }
  }

  // Rollback.

  @Test func anOlderTimestampIsRefused() async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      let old = repository.files["metadata/timestamp.json"]
      try repository.publish("timestamp")
      try await client.refresh(repository)
      repository.files["metadata/timestamp.json"] = old
      #expect(await client.refusal(repository) == "rollback timestamp")
      #expect(client.version("timestamp") == 2)
    }
  }

  @Test func aTimestampThatNamesAnOlderSnapshotIsRefused() async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      try repository.publish("snapshot", "timestamp")
      try await client.refresh(repository)
      repository.timestamp.snapshot.version = 1
      try repository.publish("timestamp")
      #expect(await client.refusal(repository) == "rollback timestamp")
      #expect(client.versions == [1, 2, 2, 1])
    }
  }

  @Test(arguments: [true, false]) func aSnapshotThatNamesOlderTargetsIsRefused(_ describesFiles: Bool)
    async throws
  {
    var repository = try TestRepository()
    repository.describesFiles = describesFiles
    try await withClient(of: repository) { client in
      try repository.publishAll()
      try await client.refresh(repository)
      repository.snapshot[role: "targets"] = MetadataFile(version: 1)
      try repository.publish("snapshot", "timestamp")
      #expect(await client.refusal(repository) == "rollback snapshot")
      #expect(client.versions == [1, 3, 2, 2])
    }
  }

  @Test func aRoleCannotDisappear() async throws {
    var repository = try TestRepository()
    try repository.delegate("a", .paths(["*"]))
    try repository.publishAll()
    try await withClient(of: repository) { client in
      try await client.refresh(repository)
      repository.snapshot[role: "a"] = nil
      try repository.publish("snapshot", "timestamp")
      #expect(await client.refusal(repository) == "roleRemoved snapshot")
    }
  }

  @Test(arguments: [1, 2, 4]) func aRootThatIsNotTheNextIsRefused(_ version: Int) async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      try repository.publish("root")
      try await client.refresh(repository)
      repository.root.header.version = version
      repository.files["metadata/3.root.json"] = try repository.signed(
        repository.root, by: try #require(repository.signers["root"])
      ).bytes
      #expect(await client.refusal(repository) == "\(version < 3 ? "rollback" : "wrongVersion") root")
      #expect(client.version("root") == 2)
    }
  }

  // Freeze, and clocks that are wrong.

  @Test(arguments: ["root", "timestamp", "snapshot", "targets"] as [ExactString])
  func metadataWhoseTimeIsOverAreRefused(_ role: ExactString) async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      try await client.refresh(repository)
      let past = UpdateTime.now.advanced(by: -1)
      repository.root.header.expires = role == "root" ? past : TestRepository.later
      repository.timestamp.header.expires = role == "timestamp" ? past : TestRepository.later
      repository.snapshot.header.expires = role == "snapshot" ? past : TestRepository.later
      repository.targets["targets"]?.header.expires = role == "targets" ? past : TestRepository.later
      try repository.publish("root", "targets", "snapshot", "timestamp")
      #expect(await client.refusal(repository) == "expired \(role)")
      // An expired root is kept, for it may lead to the next one.
      #expect(client.version(role.text) == (role == "root" ? 2 : 1))
    }
  }

  @Test func aFrozenRepositoryIsNoticedWhenItsTimestampExpires() async throws {
    var repository = try TestRepository()
    repository.timestamp.header.expires = UpdateTime.now.advanced(by: 86400)
    try repository.publish("timestamp")
    try await withClient(of: repository) { client in
      try await client.refresh(repository)
      var later = client
      later.limits.earliestTime = UpdateTime.now.advanced(by: 2 * 86400)
      #expect(await later.refusal(repository) == "expired timestamp")
    }
  }

  @Test func aClockAYearAheadIsNamedInTheError() async throws {
    let repository = try TestRepository()
    try await withClient(of: repository) { client in
      var ahead = client
      let time = UpdateTime.now.advanced(by: Self.year)
      ahead.limits.earliestTime = time
      do {
        try await ahead.refresh(repository)
        Issue.record("expired metadata were accepted")
      } catch let error as UpdateError {
        #expect(error.code == .expired && "\(error)".contains("clock says \(time)"))
      }
    }
  }

  @Test func aClockThatIsBehindIsHeldToTheTimeOfTheImage() async throws {
    // The clock says now; the image was built a year later, and by then the metadata had expired.
    let repository = try TestRepository()
    try await withClient(of: repository) { client in
      var behind = client
      behind.limits.earliestTime = UpdateTime.now.advanced(by: Self.year)
      #expect(await behind.refusal(repository) == "expired root")
      behind.limits.earliestTime = UpdateTime.now.advanced(by: -Self.year)
      #expect(await behind.refusal(repository) == "accepted")
    }
  }

  // Fast-forward, and the way back.

  @Test func newKeysEndAFastForward() async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      repository.timestamp.header.version = 1_000_000
      repository.snapshot.header.version = 1_000_000
      repository.targets["targets"]?.header.version = 1_000_000
      try repository.publishAll()
      try await client.refresh(repository)
      try repository.rotateKeys(of: "snapshot")
      repository.timestamp.header.version = 1
      repository.snapshot.header.version = 1
      repository.targets["targets"]?.header.version = 1
      try repository.publish("root", "targets", "snapshot", "timestamp")
      try await client.refresh(repository)
      #expect(client.versions == [2, 2, 2, 2])
    }
  }

  @Test func withoutNewKeysAFastForwardCannotBeUndone() async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      repository.targets["targets"]?.header.version = 1_000_000
      try repository.publishAll()
      try await client.refresh(repository)
      repository.targets["targets"]?.header.version = 1
      // One more key takes none away.
      try repository.addKey(to: "snapshot")
      try repository.publish("root")
      try repository.publishAll()
      #expect(await client.refusal(repository) == "rollback snapshot")
    }
  }

  // Mix and match.

  @Test func partsOfDifferentSnapshotsDoNotMix() async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      try repository.publishAll()
      // Signed, of the right version, but not the one that this snapshot saw.
      var other = try #require(repository.targets["targets"])
      other.header.expires = TestRepository.later.advanced(by: 1)
      repository.files["metadata/2.targets.json"] = try repository.signed(
        other, by: try #require(repository.signers["targets"])
      ).bytes
      #expect(await client.refusal(repository) == "wrongDigest targets")
      #expect(client.versions == [1, 2, 2, 0])
    }
  }

  @Test(arguments: ["snapshot", "targets"] as [ExactString])
  func aVersionUnderTheNameOfAnotherIsRefused(_ role: ExactString) async throws {
    var repository = try TestRepository()
    repository.describesFiles = false
    try await withClient(of: repository) { client in
      let first = repository.files["metadata/1.\(role).json"]
      try repository.publishAll()
      repository.files["metadata/2.\(role).json"] = first
      #expect(await client.refusal(repository) == "wrongVersion \(role)")
    }
  }

  @Test func oneRolesMetadataAreNotAnothers() async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      // Signed by the timestamp's key, and all right but for its type.
      let keys = try #require(repository.signers["timestamp"])
      var snapshot = repository.snapshot
      snapshot.files["snapshot.json"] = MetadataFile(version: 1)
      repository.files["metadata/timestamp.json"] = try repository.signed(snapshot, by: keys).bytes
      #expect(await client.refusal(repository) == "wrongType timestamp")
    }
  }

  // Endless data and slow retrieval.

  @Test(arguments: ["/metadata/2.root.json", "/metadata/timestamp.json", "/metadata/1.snapshot.json"])
  func endlessMetadataEnd(_ path: String) async throws {
    let repository = try TestRepository()
    try await withClient(of: repository) { client in
      let honest = repository.handler
      client.server.handle { $0.path == path ? .endless(limit: 1 << 30) : honest($0) }
      let role =
        path.hasSuffix("root.json") ? "root" : path.hasSuffix("timestamp.json") ? "timestamp" : "snapshot"
      #expect(await client.refusal { try await client.updater().refresh() } == "tooLarge \(role)")
    }
  }

  @Test func aGigabyteThatIsAnnouncedIsNotEvenBegun() async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      repository.timestamp.snapshot = MetadataFile(version: 2, length: 1 << 30)
      try repository.publish("timestamp")
      let honest = repository.handler
      client.server.handle {
        $0.path == "/metadata/2.snapshot.json" ? .endless(limit: 1 << 30) : honest($0)
      }
      // The signed length does not raise the client's own limit.
      #expect(await client.refusal { try await client.updater().refresh() } == "tooLarge snapshot")
    }
  }

  @Test func endlessTargetsEnd() async throws {
    var repository = try TestRepository()
    repository.add("app", "good")
    try repository.publishAll()
    try await withClient(of: repository) { client in
      let honest = repository.handler
      client.server.handle { $0.path.hasSuffix(".app") ? .endless(limit: 1 << 30) : honest($0) }
      let refusal = await client.refusal {
        let updater = try client.updater()
        try await updater.download(updater.target("app"), to: client.directory + "/app")
      }
      #expect(refusal == "tooLarge targets")
      let names = try FileManager.default.contentsOfDirectory(atPath: client.directory)
      #expect(names == ["trust"])
    }
  }

  @Test func aServerThatStallsIsLeft() async throws {
    let repository = try TestRepository()
    try await withClient(of: repository) { client in
      var impatient = client
      impatient.policy.stallTimeout = 1
      let honest = repository.handler
      let bytes = try #require(repository.files["metadata/timestamp.json"])
      client.server.handle { $0.path == "/metadata/timestamp.json" ? .stalled(bytes, after: 10) : honest($0) }
      let stalled = impatient
      #expect(await client.refusal { try await stalled.updater().refresh() } == "tooSlow timestamp")
      #expect(await client.refusal(repository) == "accepted")
    }
  }

  @Test func rootsWithoutEndEnd() async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      for _ in 0..<6 { try repository.publish("root") }
      var limited = client
      limited.limits.rootVersions = 3
      #expect(await limited.refusal(repository) == "tooManyRoots root")
      // Progress is kept, so that the next update goes on.
      #expect(client.version("root") == 4)
      #expect(await client.refusal(repository) == "accepted")
      #expect(client.version("root") == 7)
    }
  }

  // Malicious mirrors.

  @Test(arguments: [404, 403]) func aMirrorThatHidesARootHidesOnlyThat(_ status: Int) async throws {
    let repository = try TestRepository()
    try await withClient(of: repository) { client in
      let honest = repository.handler
      client.server.handle { $0.path == "/metadata/2.root.json" ? .status(status) : honest($0) }
      #expect(await client.refusal { try await client.updater().refresh() } == "accepted")
    }
  }

  @Test func aMirrorThatFailsIsNotTakenForAnAnswer() async throws {
    let repository = try TestRepository()
    try await withClient(of: repository) { client in
      let honest = repository.handler
      client.server.handle { $0.path == "/metadata/2.root.json" ? .status(500) : honest($0) }
      #expect(await client.refusal { try await client.updater().refresh() } == "unreachable root")
      client.server.handle { $0.path == "/metadata/timestamp.json" ? .status(404) : honest($0) }
      #expect(await client.refusal { try await client.updater().refresh() } == "notAvailable timestamp")
      client.server.handle {
        $0.path == "/metadata/1.snapshot.json" ? .truncated([1, 2, 3], after: 1) : honest($0)
      }
      #expect(await client.refusal { try await client.updater().refresh() } == "unreachable snapshot")
    }
  }

  @Test func whatLiesOnTheDiskIsNotBelievedEither() async throws {
    let repository = try TestRepository()
    try await withClient(of: repository) { client in
      try await client.refresh(repository)
      for role in ["timestamp", "snapshot", "targets"] {
        try client.local.write(Array("{}".utf8), role: role)
      }
      try await client.refresh(repository)
      #expect(client.versions == [1, 1, 1, 1])
      try client.local.write(Array("{}".utf8), role: "root")
      #expect(await client.refusal(repository) == "malformed root")
    }
  }
}
