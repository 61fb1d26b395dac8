import Bytes
import FoundationEssentials
import TestSupport
import Testing

@testable import UpdateFramework

/// One client hands over what it trusts, and another checks it by itself.
@Suite struct MetadataMirrorTests {
  /// A repository that changes, the client that asks it, and the one that reads what the first hands over.
  private struct Pair {
    var repository: TestRepository
    let client: TestClient
    var mirror: MetadataMirror
    let second: LocalMetadata

    init(_ repository: TestRepository, _ client: TestClient) throws {
      let root = try #require(repository.files["metadata/1.root.json"])
      self.repository = repository
      self.client = client
      mirror = MetadataMirror(client.directory + "/verified", root: root)
      second = LocalMetadata(directory: client.directory + "/second")
      try second.initialize(root: root)
    }

    /// The first client refreshes, and hands over.
    mutating func handOver(_ roles: ExactString...) async throws {
      client.server.handle(repository.handler)
      let updater = try client.updater()
      for role in roles { _ = try await updater.targets(of: role) }
      try await updater.refresh()
      try await mirror.update(from: updater)
    }

    /// The second one reads; it opens no socket.
    @discardableResult
    func read(_ roles: ExactString...) async throws -> TrustedSet {
      let updater = try Updater(
        local: second, fetcher: try HTTPFetcher(), metadataURL: "file://\(mirror.directory)/metadata")
      try await updater.refresh()
      for role in roles { _ = try await updater.targets(of: role) }
      return await updater.trusted
    }

    var names: [String] {
      get throws {
        try FileManager.default.contentsOfDirectory(atPath: mirror.directory + "/metadata").sorted()
      }
    }
  }

  private func withPair(_ body: (inout Pair) async throws -> Void) async throws {
    let repository = try TestRepository()
    try await withClient(of: repository) { client in
      var pair = try Pair(repository, client)
      try await body(&pair)
    }
  }

  @Test func rootsAndDelegatedRolesReachTheSecondClient() async throws {
    try await withPair { pair in
      let old = try #require(pair.repository.signers["root"])
      try pair.repository.rotateKeys(of: "root")
      pair.repository.signers["root"]? += old
      try pair.repository.publish("root")
      pair.repository.signers["root"]?.removeLast()
      try pair.repository.publish("root")
      try pair.repository.delegate("a/b", .paths(["x/*"]))
      try pair.repository.publishAll()
      try await pair.handOver("a/b")
      let trusted = try await pair.read("a/b")
      #expect(trusted.root.signed.header.version == 3)
      #expect(trusted.targets(of: "a/b")?.signed.header.version == 1)
      #expect(
        try pair.names == [
          "1.a%2Fb.json", "1.root.json", "2.root.json", "2.snapshot.json", "2.targets.json", "3.root.json",
          "timestamp.json",
        ])
    }
  }

  @Test func whatIsNoMoreInUseGoesOneStateLater() async throws {
    try await withPair { pair in
      for _ in 0..<3 {
        try pair.repository.publishAll()
        try await pair.handOver()
      }
      #expect(
        try pair.names == [
          "1.root.json", "3.snapshot.json", "3.targets.json", "4.snapshot.json", "4.targets.json",
          "timestamp.json",
        ])
      try await pair.read()
    }
  }

  @Test func aRootThatDoesNotFollowIsPutRight() async throws {
    try await withPair { pair in
      try pair.repository.publish("root")
      try pair.repository.publish("root")
      try await pair.handOver()
      let path = "\(pair.mirror.directory)/metadata/2.root.json"
      try Data("{}".utf8).write(to: URL(fileURLWithPath: path))
      let refusal = await pair.client.refusal { try await pair.read() }
      #expect(refusal == "malformed root")
      try await pair.handOver()
      #expect(try await pair.read().root.signed.header.version == 3)
    }
  }

  @Test func theSecondClientTakesNothingThatTheFirstMayNotSay() async throws {
    try await withPair { pair in
      try await pair.handOver()
      try await pair.read()
      let folder = "\(pair.mirror.directory)/metadata"
      let old = try #require(FileManager.default.contents(atPath: "\(folder)/timestamp.json"))
      try pair.repository.publishAll()
      try await pair.handOver()
      try await pair.read()
      // An old state once more, and one that nobody signed.
      try old.write(to: URL(fileURLWithPath: "\(folder)/timestamp.json"))
      #expect(await pair.client.refusal { try await pair.read() } == "rollback timestamp")
      let forged = String(decoding: old, as: UTF8.self).replacing(#""version":1"#, with: #""version":9"#)
      try Data(forged.utf8).write(to: URL(fileURLWithPath: "\(folder)/timestamp.json"))
      #expect(await pair.client.refusal { try await pair.read() } == "threshold timestamp")
      try await pair.handOver()
      try await pair.read()
    }
  }

  @Test func aMirrorThatCannotBeWrittenKeepsTheStateBefore() async throws {
    try await withPair { pair in
      try await pair.handOver()
      let folder = "\(pair.mirror.directory)/metadata"
      let before = try #require(FileManager.default.contents(atPath: "\(folder)/timestamp.json"))
      try pair.repository.publishAll()
      // A directory where the new snapshot is to be.
      try FileManager.default.createDirectory(
        atPath: "\(folder)/2.snapshot.json/x", withIntermediateDirectories: true)
      let refusal = await pair.client.refusal { try await pair.handOver() }
      #expect(refusal == "localStorage")
      #expect(FileManager.default.contents(atPath: "\(folder)/timestamp.json") == before)
      try await pair.read()
      try FileManager.default.removeItem(atPath: "\(folder)/2.snapshot.json")
      try await pair.handOver()
      #expect(try await pair.read().snapshot?.signed.header.version == 2)
    }
  }
}
