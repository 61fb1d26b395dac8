internal import Bytes
internal import FoundationEssentials
internal import ImageBuilder
internal import Transfers
package import UpdateFramework

/// A repository behind an address, as far as it was fetched and verified: what a change can be proposed from on a machine
/// that has neither the repository's directory nor any reason to trust the server.
///
/// What is believed of the state is what a client believes. Earlier versions of channels count for a gate only if the
/// channel's keys of today have signed them.
package struct RemoteRepository: Sendable {
  /// The verified state, over a directory of what else was fetched.
  package let repository: ChannelRepository
  private let fetcher: any Fetcher
  private let url: String
  private let limits: UpdateLimits
  private let directory: RepositoryDirectory

  /// Refreshes, and reads every role. The trusted metadata are free for others afterwards: a command that changes the
  /// repository looks at it once more.
  /// - Parameters:
  ///   - trust: Trusted metadata, with a root to begin with.
  ///   - url: The repository's address.
  ///   - scratch: A directory for what is fetched beside metadata.
  /// - Throws: An `UpdateError` that says which role cannot be had or trusted.
  package init(
    trust: LocalMetadata, fetcher: any Fetcher, url: String, scratch: String
  ) async throws {
    let client = try ChannelClient(trust: trust, fetcher: fetcher, url: url)
    self.fetcher = fetcher
    self.url = client.baseURL
    limits = client.limits
    directory = RepositoryDirectory(scratch)
    repository = ChannelRepository(fetched: try await client.state(), into: directory)
  }

  /// Fetches what is needed to say what happened in a channel.
  package func fetchHistory(of channel: String) async throws {
    let role = Names.role(ofChannel: channel)
    let last = try repository.channel(channel).metadata?.signed.header.version ?? 0
    guard last > 0 else { return }
    let name = FileNames.escaped(role.text)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for version in 1...last {
        if version > 8 { try await group.next() }
        group.addTask {
          try await fetch("metadata/\(version).\(name).json", limit: limits.targetsLength)
        }
      }
      try await group.waitForAll()
    }
  }

  /// Fetches what is needed to look at the gates of a channel for a release.
  package func fetchEvidence(for image: String, _ version: String, in channelName: String) async throws {
    let channel = try repository.channel(channelName)
    let release = try repository.release(image, version)
    try await fetchHistory(of: channelName)
    if let after = channel.policy.after { try await fetchHistory(of: after) }
    let target = Names.release(image, version).text
    let place = try directory.targetPath(target, release.file)
    let path = String(place.dropFirst(directory.path.utf8.count + 1))
    guard release.file.length <= Release.maximumSize else {
      throw ChannelError(.badRelease, "release.json of \(image) \(version) is too large")
    }
    try await fetch(path, limit: release.file.length)
    guard let manifest = try directory.readTarget(at: place, release.file) else {
      throw ChannelError(.badRelease, "\(target) is not what is signed; the server is damaged, or lies")
    }
    let gates = ReleaseGates(
      policy: channel.policy, channel: channelName, image: image, version: version, digest: release.digest)
    guard !gates.isOpen else { return }
    let sbom = try Release.decode(manifest, file: target).artifacts.first { $0.name == ReleaseFile.sbom }
    // What is missing closes a gate, which then says so.
    for file in gates.evidence(sbom: sbom) { try await fetchIfPresent(file.path, limit: file.limit) }
  }

  /// Fetches what somebody has attested of a release.
  package func fetchAttestation(_ name: String, of image: String, _ version: String) async throws {
    let release = try repository.release(image, version)
    try await fetchIfPresent(
      Names.attestation(name, of: release.digest), limit: ChannelRepository.attestationLimit)
  }

  private func fetch(_ path: String, limit: Int) async throws {
    guard try await fetchIfPresent(path, limit: limit) else {
      throw UpdateError(.notAvailable, "the repository has no \(path); it is not complete")
    }
  }

  @discardableResult
  private func fetchIfPresent(_ path: String, limit: Int) async throws -> Bool {
    guard let bytes = try await fetcher.fetchIfPresent("\(url)/\(path)", limit: limit) else { return false }
    _ = try directory.addObject(bytes, at: path, replaces: true)
    return true
  }
}

extension ChannelClient {
  /// The whole state, verified: root, timestamp, snapshot, and every role that the top-level one delegates to.
  func state() async throws -> Repository {
    try await updater.refresh()
    var targets: [ExactString: Metadata<TargetsRole>] = [:]
    targets["targets"] = await updater.trusted.targets(of: "targets")
    if case .listed(let roles) = targets["targets"]?.signed.delegations?.roles {
      for role in roles {
        do {
          _ = try await updater.targets(of: role.name)
        } catch let error as UpdateError where error.code == .notInSnapshot {
          // Delegated, but nothing published yet.
          continue
        }
        targets[role.name] = await updater.trusted.targets(of: role.name)
      }
    }
    let trusted = await updater.trusted
    return Repository(
      root: trusted.root, timestamp: trusted.timestamp, snapshot: trusted.snapshot, targets: targets)
  }
}
