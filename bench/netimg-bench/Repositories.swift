internal import Bytes
internal import FoundationEssentials
internal import Glibc
internal import Signing
internal import UpdateFramework

/// What a repository costs as it grows: for those who publish and promote, and for a device that asks.
enum Repositories {
  static func run() async throws {
    print("\nA repository as it grows: CPU milliseconds, keys in memory, files on a local disk")
    print(
      "  releases x channels    publish    promote   first refresh   again, and bytes read by a new device")
    for (releases, channels) in [(1000, 4), (1000, 50), (10_000, 4), (10_000, 50)] {
      let path = FileManager.default.temporaryDirectory.appendingPathComponent(
        "netimg-bench-\(UUID().uuidString)"
      ).path
      defer { try? FileManager.default.removeItem(atPath: path) }
      let sample = try await Sample(path: path, releases: releases, channels: channels)
      let publish = try await milliseconds { try await sample.publish("releases/router/999.0/release.json") }
      let promote = try await milliseconds { try await sample.promote() }
      var bytes = 0
      let first = try await milliseconds { bytes = try await sample.refresh() }
      let again = try await milliseconds { _ = try await sample.refresh() }
      print(
        "  \(column("\(releases) x \(channels)", 18))\(column(publish, 11))\(column(promote, 11))\(column(first, 16))"
          + "\(column(again, 8))   \(bytes)")
    }
  }

  /// What channels that nobody asks for cost somebody who asks for one.
  static func runLookups() async throws {
    print("\n1,000 releases and channels that nobody asks for")
    print(
      "  unrelated channels   first refresh, CPU ms   again   a look-up in the delegations, CPU us"
    )
    for channels in [1, 50, 500] {
      let path = FileManager.default.temporaryDirectory.appendingPathComponent(
        "netimg-bench-\(UUID().uuidString)"
      ).path
      defer { try? FileManager.default.removeItem(atPath: path) }
      let sample = try await Sample(path: path, releases: 1000, channels: channels + 1)
      let first = try await milliseconds { _ = try await sample.refresh(channel: 0) }
      let again = try await milliseconds { _ = try await sample.refresh(channel: 0) }
      guard let delegations = try Repository.load(sample.directory)?.targets["targets"]?.signed.delegations
      else {
        continue
      }
      let count = 20_000
      var found = 0
      let micros = cpu { for _ in 0..<count { found += delegations.roles(for: "channels/0/router").count } }
      guard found == count else { continue }
      print(
        "  \(column("\(channels)", 18))\(column(first, 24))\(column(again, 8))"
          + "\(column(tenths(micros * 10 / count), 37))")
    }
  }

  /// CPU time of the whole process in microseconds.
  private static func cpu(_ body: () -> Void) -> Int {
    let start = clock()
    body()
    return Int(clock() - start)
  }

  private static func tenths(_ count: Int) -> String { "\(count / 10).\(count % 10)" }

  /// CPU time of the whole process.
  private static func milliseconds(_ body: () async throws -> Void) async rethrows -> String {
    let start = clock()
    try await body()
    // POSIX: a million to the second.
    return tenths(Int(clock() - start) / 100)
  }

  private static func column(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  /// A repository with a list of releases and channels that each have a current one.
  private struct Sample {
    let directory: RepositoryDirectory
    let signer: KeyRingSigner
    let trust: LocalMetadata
    let file = TargetFile(length: 1000, digests: ContentDigests(sha256: SHA256.digest(of: [1])))

    init(path: String, releases: Int, channels: Int) async throws {
      directory = RepositoryDirectory(path)
      signer = KeyRingSigner(FileSigner(try KeyPair.generate(name: "bench")))
      trust = LocalMetadata(directory: path + "/trust")
      let id = ExactString(signer.keyID)
      let keys = RoleKeys(keyIDs: [id], threshold: 1)
      let root = RootRole(
        header: RoleHeader(version: 1, expires: .now), keys: [id: signer.key],
        roles: ["root": keys, "timestamp": keys, "snapshot": keys, "targets": keys])
      var draft = RepositoryDraft(root: root, now: .now)
      var roles = [DelegatedRole(name: "releases", keys: keys, scope: .paths(["releases/*/*/release.json"]))]
      draft.edit("releases") { role in
        for number in 0..<releases {
          role.targets[ExactString("releases/router/1.\(number)/release.json")] = file
        }
      }
      for number in 0..<channels {
        let name = ExactString("channel-\(number)")
        roles.append(DelegatedRole(name: name, keys: keys, scope: .paths(["channels/\(number)/*"])))
        draft.edit(name) { $0.targets[ExactString("channels/\(number)/router")] = file }
      }
      draft.edit("targets") { $0.delegations = Delegations(keys: [id: signer.key], roles: .listed(roles)) }
      try await merge(draft, in: nil)
      try trust.initialize(rootFile: path + "/metadata/1.root.json")
    }

    private func merge(_ draft: RepositoryDraft, in state: Repository?) async throws {
      var proposal = try draft.proposal(reason: "bench")
      _ = try await proposal.sign(with: signer, in: state)
      try directory.merge(proposal)
      try await directory.publish(signers: [signer], now: .now)
    }

    private func edit(_ role: ExactString, _ path: ExactString) async throws {
      guard let state = try Repository.load(directory) else { return }
      var draft = RepositoryDraft(state, now: .now)
      draft.edit(role) { $0.targets[path] = file }
      try await merge(draft, in: state)
    }

    func publish(_ path: ExactString) async throws { try await edit("releases", path) }

    func promote() async throws { try await edit("channel-1", "channels/1/switch") }

    /// Refreshes and asks one channel; gives the bytes of all metadata that are trusted then.
    func refresh(channel: Int = 2) async throws -> Int {
      let updater = try Updater(
        local: trust, fetcher: try HTTPFetcher(), metadataURL: "file://\(directory.path)/metadata")
      _ = try await updater.target("channels/\(channel)/router")
      return try FileManager.default.contentsOfDirectory(atPath: trust.directory).reduce(0) { total, name in
        total + (try Data(contentsOf: URL(fileURLWithPath: "\(trust.directory)/\(name)"))).count
      }
    }
  }
}
