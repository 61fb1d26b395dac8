import Bytes
import FoundationEssentials
import Signing
import TestSupport
import Testing

@testable import UpdateFramework

/// Who is trusted with which targets, and in what order they are asked.
@Suite struct DelegationTests {
  /// The delegated roles whose metadata were asked for, in order.
  private func visited(_ client: TestClient) -> [String] {
    client.server.requests.map(\.rawPath).filter { $0.hasSuffix(".json") }
      .map { String($0.split(separator: "/").last ?? "") }
      .filter { name in
        !["root.json", "timestamp.json", "snapshot.json", "targets.json"].contains { name.hasSuffix($0) }
      }
  }

  @Test func theSearchIsDepthFirstInOrderOfTrust() async throws {
    var repository = try TestRepository()
    try repository.delegate("a", .paths(["*"]))
    try repository.delegate("b", .paths(["*"]))
    try repository.delegate("c", from: "a", .paths(["*"]))
    try repository.delegate("d", from: "a", .paths(["*"]))
    repository.add("x", "of b", to: "b")
    try repository.publishAll()
    try await withClient(of: repository) { client in
      try await client.expect("x", repository, is: "of b")
      #expect(visited(client) == ["1.a.json", "1.c.json", "1.d.json", "1.b.json"])
    }
  }

  @Test func whoIsTrustedMoreWins() async throws {
    var repository = try TestRepository()
    try repository.delegate("a", .paths(["*"]))
    try repository.delegate("b", .paths(["*"]))
    repository.add("x", "of b", to: "b")
    repository.add("x", "of a", to: "a")
    try repository.publishAll()
    try await withClient(of: repository) { client in
      try await client.expect("x", repository, is: "of a")
    }
  }

  @Test func aTerminatingDelegationEndsTheSearch() async throws {
    var repository = try TestRepository()
    try repository.delegate("a", .paths(["*"]), isTerminating: true)
    try repository.delegate("b", .paths(["*"]))
    repository.add("x", "of b", to: "b")
    try repository.publishAll()
    try await withClient(of: repository) { client in
      #expect(await client.refusal { _ = try await client.download("x", repository) } == "targetNotFound")
      #expect(visited(client) == ["1.a.json"])
    }
  }

  @Test func aRoleCannotSpeakOfPathsThatAreNotIts() async throws {
    // Wrong software: the role is trusted with a/, and lists b/x.
    var repository = try TestRepository()
    try repository.delegate("a", .paths(["a/*"]))
    try repository.delegate("deep", from: "a", .paths(["*", "*/*"]))
    repository.add("b/x", "evil", to: "a")
    repository.add("b/y", "evil", to: "deep")
    repository.add("a/x", "good", to: "deep")
    try repository.publishAll()
    try await withClient(of: repository) { client in
      #expect(await client.refusal { _ = try await client.download("b/x", repository) } == "targetNotFound")
      #expect(await client.refusal { _ = try await client.download("b/y", repository) } == "targetNotFound")
      try await client.expect("a/x", repository, is: "good")
    }
  }

  @Test func circlesEnd() async throws {
    var repository = try TestRepository()
    try repository.delegate("a", .paths(["*"]))
    try repository.delegate("b", from: "a", .paths(["*"]))
    try repository.delegate("a", from: "b", .paths(["*"]))
    try repository.publishAll()
    try await withClient(of: repository) { client in
      #expect(await client.refusal { _ = try await client.download("x", repository) } == "targetNotFound")
      #expect(visited(client) == ["1.a.json", "1.b.json"])
    }
  }

  @Test func trustDoesNotPassFromOneWayToAnother() async throws {
    var repository = try TestRepository()
    try repository.delegate("a", .paths(["a/*"]))
    try repository.delegate("b", .paths(["b/*"]))
    try repository.delegate("shared", from: "a", .paths(["*/*"]))
    try repository.delegate("shared", from: "b", .paths(["*/*"]))
    // Only the key that a named signs.
    repository.signers["shared"]?.removeLast()
    repository.add("a/x", "good", to: "shared")
    repository.add("b/x", "evil", to: "shared")
    try repository.publishAll()
    try await withClient(of: repository) { client in
      client.server.handle(repository.handler)
      let updater = try client.updater()
      let outcome1 = try await updater.target("a/x").role
      #expect(outcome1 == "shared")
      #expect(await client.refusal { _ = try await updater.target("b/x") } == "threshold shared")
      let outcome2 = try await updater.target("a/x").role
      #expect(outcome2 == "shared")
    }
  }

  @Test func manyRolesAreNotAllVisited() async throws {
    var repository = try TestRepository()
    for number in 0..<10 { try repository.delegate(ExactString("r\(number)"), .paths(["*"])) }
    repository.add("x", "far away", to: "r9")
    try repository.publishAll()
    try await withClient(of: repository) { client in
      var limited = client
      limited.limits.visitedRoles = 5
      let few = limited
      #expect(await client.refusal { _ = try await few.download("x", repository) } == "targetNotFound")
      #expect(visited(client).count == 4)
      try await client.expect("x", repository, is: "far away")
    }
  }

  @Test func aRoleThatTheSnapshotDoesNotKnowIsNotAskedFor() async throws {
    var repository = try TestRepository()
    try repository.delegate("a", .paths(["*"]))
    try repository.publishAll()
    repository.snapshot[role: "a"] = nil
    try repository.publish("snapshot", "timestamp")
    try await withClient(of: repository) { client in
      #expect(await client.refusal { _ = try await client.download("x", repository) } == "notInSnapshot a")
      #expect(visited(client).isEmpty)
    }
  }

  @Test(arguments: [
    "?", "#", "/a", "../a", "..", "ä", "a%2Fb", "a\u{301}", "\u{e1}", "a b", "%lock", "\u{202e}",
  ])
  func oddNamesOfRolesStayNames(_ name: String) async throws {
    var repository = try TestRepository()
    try repository.delegate(ExactString(name), .paths(["*"]))
    repository.add("x", "odd", to: ExactString(name))
    try repository.publishAll()
    try await withClient(of: repository) { client in
      try await client.expect("x", repository, is: "odd")
      #expect(visited(client) == ["1.\(FileNames.escaped(name)).json"])
      #expect(client.version(name) == 1)
      #expect(client.local.path(of: name).split(separator: "/").last == "\(FileNames.escaped(name)).json")
    }
  }

  @Test func aLongNameOfARoleHasAFileToo() async throws {
    let name = String(repeating: "ü", count: 300)
    var repository = try TestRepository()
    try repository.delegate(ExactString(name), .paths(["*"]))
    repository.add("x", "long", to: ExactString(name))
    try repository.publishAll()
    try await withClient(of: repository) { client in
      try await client.expect("x", repository, is: "long")
      #expect(client.version(name) == 1)
    }
  }

  @Test func namesThatOnlyLookTheSameAreDifferent() throws {
    #expect(ExactString("\u{e1}") != ExactString("a\u{301}"))
    #expect("\u{e1}" == "a\u{301}")
    var seen: Set<ExactString> = ["\u{e1}"]
    #expect(seen.insert("a\u{301}").inserted)
    #expect(FileNames.local("\u{e1}") != FileNames.local("a\u{301}"))
  }

  @Test(arguments: ["root", "timestamp", "snapshot", "targets", ""]) func aTopLevelNameCannotBeDelegated(
    _ name: String
  ) throws {
    let role = DelegatedRole(
      name: ExactString(name), keys: RoleKeys(keyIDs: [], threshold: 1), scope: .paths(["*"]))
    #expect(throws: UpdateError.self) { try DelegatedRole(role.json, at: "roles[0]") }
  }

  @Test func hashPrefixesDelegateBins() async throws {
    var repository = try TestRepository()
    let hash = SHA256.digest(of: Array("x".utf8)).hex
    try repository.delegate("other", .hashPrefixes([hash.hasPrefix("0") ? "1" : "0"]))
    try repository.delegate("mine", .hashPrefixes(["zz", String(hash.prefix(3))]))
    repository.add("x", "evil", to: "other")
    repository.add("x", "good", to: "mine")
    try repository.publishAll()
    try await withClient(of: repository) { client in
      try await client.expect("x", repository, is: "good")
      #expect(visited(client) == ["1.mine.json"])
    }
  }

  @Test(arguments: [1, 4, 5, 8, 10, 16, 32]) func succinctBinsAreNamedByTheHash(_ bits: Int) throws {
    let bins = SuccinctRoles(keys: RoleKeys(keyIDs: [], threshold: 1), bitLength: bits, namePrefix: "bin")
    let hash = SHA256.digest(of: Array("a/path".utf8)).hex
    let first = try #require(UInt32(hash.prefix(8), radix: 16))
    let number = Int(first >> UInt32(32 - bits))
    #expect(bins.role(for: "a/path") == bins.name(of: number))
    #expect(bins.contains(bins.name(of: number)))
    #expect(bins.name(of: 0).text.utf8.count == bins.name(of: (1 << bits) - 1).text.utf8.count)
    for wrong in [
      "bin", "bin-", "bin-g", "bin-+1", "other-0", "bin-\(String(1 << bits, radix: 16))", "bin-0000000000",
    ] {
      #expect(!bins.contains(ExactString(wrong)))
    }
    #expect(try SuccinctRoles(bins.json, at: "x") == bins)
  }

  @Test func targetsAreFoundInSuccinctBins() async throws {
    var repository = try TestRepository()
    let key = try PrivateKey.generate(.ed25519)
    let bins = SuccinctRoles(
      keys: RoleKeys(keyIDs: [ExactString(key.keyID)], threshold: 1), bitLength: 3, namePrefix: "bin")
    repository.targets["targets"]?.delegations = Delegations(
      keys: [ExactString(key.keyID): key.key], roles: .bins(bins))
    for number in 0..<8 {
      repository.targets[bins.name(of: number)] = TargetsRole(
        header: RoleHeader(version: 0, expires: TestRepository.later))
      repository.signers[bins.name(of: number)] = [key]
    }
    repository.add("some/file", "found", to: bins.role(for: "some/file"))
    try repository.publishAll()
    try await withClient(of: repository) { client in
      try await client.expect("some/file", repository, is: "found")
      #expect(visited(client) == ["1.\(bins.role(for: "some/file")).json"])
    }
  }

  @Test func lookingUpAPathDoesNotLookAtUnrelatedDelegations() throws {
    let roles = (0..<5000).map { number in
      DelegatedRole(
        name: ExactString("channel-\(number)"), keys: RoleKeys(keyIDs: [], threshold: 1),
        scope: .paths(["channels/\(number)/*"]))
    }
    let delegations = Delegations(roles: .listed(roles))
    #expect(delegations.roles(for: "channels/4321/router").map(\.name) == ["channel-4321"])
    #expect(delegations.roles(for: "channels/4321/a/b").isEmpty)
    #expect(delegations.roles(for: "channels/x/router").isEmpty)
    #expect(delegations.roleKeys(of: "channel-7") != nil && delegations.roleKeys(of: "channel-x") == nil)
  }
}
