import Bytes
import FoundationEssentials
import Signing
import TestSupport
import Testing

@testable import UpdateFramework

/// The client's way through an honest repository.
@Suite struct WorkflowTests {
  @Test func aFirstUpdateAsksForExactlyWhatItNeeds() async throws {
    let repository = try TestRepository()
    try await withClient(of: repository) { client in
      try await client.refresh(repository)
      #expect(
        client.server.requests.map(\.rawPath) == [
          "/metadata/2.root.json", "/metadata/timestamp.json", "/metadata/1.snapshot.json",
          "/metadata/1.targets.json",
        ])
      #expect(client.versions == [1, 1, 1, 1])
    }
  }

  @Test func nothingNewCostsTwoRequests() async throws {
    let repository = try TestRepository()
    try await withClient(of: repository) { client in
      try await client.refresh(repository)
      let before = client.server.requests.count
      try await client.refresh(repository)
      #expect(
        client.server.requests.dropFirst(before).map(\.rawPath) == [
          "/metadata/2.root.json", "/metadata/timestamp.json",
        ])
    }
  }

  @Test func rootsAreFollowedOneByOneThroughChangesOfKeys() async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      let old = try #require(repository.signers["root"])
      try repository.rotateKeys(of: "root")
      repository.signers["root"]? += old
      try repository.publish("root")
      repository.signers["root"]?.removeLast()
      try repository.publish("root")
      try await client.refresh(repository)
      #expect(client.versions == [3, 1, 1, 1])
    }
  }

  @Test func aTargetIsFetchedOnceAndKeptUnderASafeName() async throws {
    var repository = try TestRepository()
    repository.add("a/b c.txt", "hello")
    try repository.publishAll()
    try await withClient(of: repository) { client in
      try await client.expect("a/b c.txt", repository, is: "hello")
      let count = client.server.requests.count
      try await client.expect("a/b c.txt", repository, is: "hello")
      #expect(client.server.requests.dropFirst(count).allSatisfy { !$0.path.contains("/targets/") })
      #expect(Updater.localPath(of: "a/b c.txt", in: "d") == "d/a%2Fb%20c.txt")
    }
  }

  @Test func withoutConsistentSnapshotsNamesHaveNoPrefixes() async throws {
    var repository = try TestRepository()
    repository.root.consistentSnapshot = false
    try repository.publish("root")
    repository.add("x", "plain")
    try repository.publishAll()
    for name in ["snapshot", "targets"] {
      repository.files["metadata/\(name).json"] = repository.files["metadata/2.\(name).json"]
    }
    repository.files["targets/x"] = Array("plain".utf8)
    try await withClient(of: repository) { client in
      try await client.expect("x", repository, is: "plain")
      #expect(client.server.requests.map(\.path).contains("/metadata/snapshot.json"))
      #expect(client.server.requests.map(\.path).contains("/targets/x"))
    }
  }

  @Test(arguments: PrivateKey.Kind.allCases) func everyKindOfKeySigns(_ kind: PrivateKey.Kind) async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      try repository.addKey(to: "snapshot", kind)
      repository.root.roles["snapshot"]?.threshold = 2
      try repository.publish("root", "snapshot", "timestamp")
      try await client.refresh(repository)
      #expect(client.versions == [2, 2, 2, 1])
    }
  }

  @Test func whatIsUnknownIsKeptAndSigned() async throws {
    var repository = try TestRepository()
    repository.root.header.unknown = [.init("x-note", .string("hello"))]
    repository.root.roles["root"]?.unknown = [.init("x-more", .array([.integer(1)]))]
    try repository.publish("root")
    try await withClient(of: repository) { client in
      try await client.refresh(repository)
      #expect(client.version("root") == 2)
      // Taken away, the signature does not fit any more.
      var file = String(decoding: try #require(repository.files["metadata/2.root.json"]), as: UTF8.self)
      file.replace(#","x-note":"hello""#, with: "")
      repository.files["metadata/2.root.json"] = Array(file.utf8)
      try client.local.remove("root")
      try client.local.initialize(root: try #require(repository.files["metadata/1.root.json"]))
      #expect(await client.refusal(repository) == "threshold root")
    }
  }

  @Test func aClientCanBeInterruptedWhileARootTakesEffect() async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      for _ in 0..<5 { try repository.publish("timestamp") }
      try await client.refresh(repository)
      #expect(client.version("timestamp") == 6)
      // The root revoked the snapshot's keys, and was written; the power failed before the rest was done.
      try repository.rotateKeys(of: "snapshot")
      repository.timestamp.header.version = 0
      repository.snapshot.header.version = 0
      try repository.publish("root", "snapshot", "timestamp")
      let root = try #require(repository.files["metadata/2.root.json"])
      try AtomicFile.write(Array("2\n".utf8), to: client.directory + "/trust/%voiding-root")
      try client.local.write(root, role: "root")
      try await client.refresh(repository)
      #expect(client.versions == [2, 1, 1, 1])
    }
  }

  @Test func aNoteOfARootThatNeverCameVoidsNothing() async throws {
    var repository = try TestRepository()
    try await withClient(of: repository) { client in
      for _ in 0..<5 { try repository.publish("timestamp") }
      try await client.refresh(repository)
      try AtomicFile.write(Array("2\n".utf8), to: client.directory + "/trust/%voiding-root")
      repository.timestamp.header.version = 1
      try repository.publish("timestamp")
      #expect(await client.refusal(repository) == "rollback timestamp")
    }
  }

  @Test func manyWhoAskAtOnceShareOneUpdate() async throws {
    var repository = try TestRepository()
    for number in 0..<20 { repository.add("file-\(number)", "\(number)") }
    try repository.publish("root")
    try repository.publishAll()
    try await withClient(of: repository) { client in
      client.server.handle(repository.handler)
      let updater = try client.updater()
      let found = try await withThrowingTaskGroup(of: String.self) { group in
        for number in 0..<20 { group.addTask { try await updater.target("file-\(number)").path.text } }
        return try await group.reduce(into: Set<String>()) { $0.insert($1) }
      }
      #expect(found.count == 20)
      #expect(client.server.requests.filter { $0.path == "/metadata/timestamp.json" }.count == 1)
    }
  }

  @Test func aSmallTargetComesIntoMemory() async throws {
    var repository = try TestRepository()
    repository.add("app", "good")
    try repository.publishAll()
    let name = try #require(repository.files.keys.first { $0.hasSuffix(".app") })
    try await withClient(of: repository) { client in
      client.server.handle(repository.handler)
      let updater = try client.updater()
      let target = try await updater.target("app")
      let bytes = try await updater.bytes(of: target, limit: 10)
      #expect(bytes == Array("good".utf8))
      #expect(
        await client.refusal { _ = try await updater.bytes(of: target, limit: 3) } == "tooLarge targets")
      for (content, outcome) in [
        ("evil", "wrongDigest targets"), ("evi", "wrongLength targets"), ("longer", "tooLarge"),
      ] {
        repository.files[name] = Array(content.utf8)
        client.server.handle(repository.handler)
        #expect(await client.refusal { _ = try await updater.bytes(of: target, limit: 10) } == outcome)
      }
    }
  }

  @Test func twoClientsOfOneDirectoryTakeTurns() async throws {
    let repository = try TestRepository()
    try await withClient(of: repository) { client in
      let first = try client.updater()
      #expect(await client.refusal { _ = try client.updater() } == "conflict")
      try await first.refresh()
    }
  }

  @Test func thereMustBeARootToBeginWith() async throws {
    let repository = try TestRepository()
    try await withScratchDirectory { directory in
      try await withServer(repository.handler) { server in
        let client = TestClient(server: server, directory: directory.path)
        #expect(await client.refusal { _ = try client.updater() } == "noRoot root")
        var unsigned = try Metadata(repository.root)
        unsigned.add(MetadataSignature(keyID: "x", text: "00"))
        #expect(
          await client.refusal { try client.local.initialize(root: unsigned.bytes) } == "threshold root")
        #expect(
          await client.refusal { try client.local.initialize(rootFile: "/nonexistent") } == "noRoot root")
        #expect(server.requests.isEmpty)
      }
    }
  }
}
