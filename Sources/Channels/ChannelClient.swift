internal import Bytes
internal import FoundationEssentials
internal import ImageBuilder
internal import Transfers
package import UpdateFramework

/// What a device, a boot server or a CI job asks a repository: which release is current, and what of it is
/// missing here.
package struct ChannelClient: Sendable {
  let updater: Updater
  let fetcher: any Fetcher
  let baseURL: String
  let limits: UpdateLimits

  /// - Parameters:
  ///   - trust: The directory of trusted metadata, with a root to begin with.
  ///   - url: The repository: its directory's address.
  package init(trust: LocalMetadata, fetcher: any Fetcher, url: String, limits: UpdateLimits = UpdateLimits())
    throws
  {
    baseURL = url.hasSuffix("/") ? String(url.dropLast()) : url
    var limits = limits
    limits.earliestTime = [limits.earliestTime, trust.earliestTime].compactMap(\.self).max()
    self.fetcher = fetcher
    self.limits = limits
    updater = try Updater(
      local: trust, fetcher: fetcher, metadataURL: baseURL + "/metadata", targetsURL: baseURL + "/targets",
      limits: limits)
  }

  /// The address of a repository that somebody named by its address or its directory.
  package static func address(of place: String) -> String {
    guard !place.contains("://") else { return place.hasSuffix("/") ? String(place.dropLast()) : place }
    let path = URL(fileURLWithPath: place).standardizedFileURL.path
    let parts = path.split(separator: "/").map { FileNames.escaped(String($0)) }
    return "file:///\(parts.joined(separator: "/"))"
  }

  /// The current release of an image.
  package struct Current: Sendable {
    package let entry: ChannelEntry
    /// The version of the channel's metadata that says so.
    package let channelVersion: Int
    let target: VouchedTarget
  }

  /// Refreshes and asks the channel.
  /// - Throws: `unknownChannel` if the channel does not have the image, or an `UpdateError`.
  package func current(_ image: String, in channel: String) async throws -> Current {
    let path = Names.current(image, in: channel)
    do {
      let target = try await updater.target(path.text)
      guard target.role == Names.role(ofChannel: channel) else {
        throw ChannelError(
          .malformed,
          "the role \(UpdateError.printable(target.role.text)), which has no gates, says what is current in "
            + "\(channel); let those who sign targets take that from it")
      }
      return Current(
        entry: try ChannelEntry(image: image, target.file), channelVersion: target.version, target: target)
    } catch let error as UpdateError where error.code == .targetNotFound {
      throw ChannelError(
        .unknownChannel, "the repository has no channel \(channel) with the image \(image); check both")
    }
  }

  /// Repeats what is trusted after a refresh for another client on this host.
  /// - Throws: An `UpdateError`.
  package func repeatMetadata(in mirror: inout MetadataMirror) async throws {
    try await mirror.update(from: updater)
  }

  /// A file that is known by its content.
  package struct Object: Sendable, Hashable {
    /// What the release calls it.
    package let name: String
    package let digest: String
    package let size: Int
  }

  /// Looks whether devices may have a release that is here: it is what it is called, it came through the channel before as far
  /// as that can be known, and what the channel demands of it, it has.
  /// - Throws: `gate`, `badRelease`, or an `UpdateError`.
  package func judge(_ current: Current) async throws {
    _ = try await vouched(current)
    _ = try await passage(of: current)
  }

  /// The release.json of what is current, once all was looked at that can be before anything of it is fetched.
  func vouched(_ current: Current) async throws -> (manifest: [UInt8], release: Release) {
    let manifest = try await updater.bytes(of: current.target, limit: Release.maximumSize)
    let (image, version) = (current.entry.image, current.entry.version)
    let release = try ReleaseGates.decode(
      manifest, image: image, version: version, file: "release.json of \(image)")
    try await checkOrder(current)
    try await checkGates(current, manifest, release)
    return (manifest, release)
  }

  /// Looks at what the channel demands of the release itself; ``passage(of:)`` looks at how it came there.
  func checkGates(_ current: Current, _ manifest: [UInt8], _ release: Release) async throws {
    guard let (channel, policy) = try await policy(of: current) else { return }
    let gates = ReleaseGates(
      policy: policy, channel: channel, image: current.entry.image, version: current.entry.version,
      digest: current.entry.release)
    guard !gates.isOpen else { return }
    let sbom = release.artifacts.first { $0.name == ReleaseFile.sbom }
    var files: [String: [UInt8]] = [:]
    for file in gates.evidence(sbom: sbom) {
      files[file.path] = try await fetchIfPresent(file.path, limit: file.limit)
    }
    try gates.check(manifest: manifest, sbom: sbom, files: files)
  }

  /// A file below the repository that nothing vouches for yet; `nil` if there is none.
  func fetchIfPresent(_ path: String, limit: Int) async throws -> [UInt8]? {
    try await fetcher.fetchIfPresent("\(baseURL)/\(path)", limit: limit)
  }

  /// Brings a file into a directory, under its SHA-256; goes on with what an interrupted transfer left there.
  /// - Throws: `badRelease` if it is not what the release says, `storage`, or an `UpdateError`.
  package func download(_ object: Object, to directory: String) async throws {
    let file = try ObjectFile(object, in: directory)
    let url = "\(baseURL)/\(Names.object(object.digest))"
    if file.count > 0 {
      // What lies there may be anything: if it does not lead to the right file, the whole is fetched.
      if file.count < object.size {
        do {
          try await fetcher.fetch(url, from: file.count, limit: object.size, into: file)
        } catch let error as ChannelError where error.code == .badRelease {
          try file.restart()
        }
      }
      if file.count > 0, file.isRight {
        return try file.commit()
      }
      try file.restart()
    }
    do {
      try await fetcher.fetch(url, limit: object.size, into: file)
    } catch let error as ChannelError where error.code == .badRelease {
      file.discard()
      throw error
    }
    try file.commit()
  }

  /// Fetches a file into memory and checks it.
  /// - Throws: `badRelease` if it is not what the release says, or an `UpdateError`.
  package func fetch(_ object: Object) async throws -> [UInt8] {
    let sink = MemorySink(limit: object.size)
    try await fetcher.fetch("\(baseURL)/\(Names.object(object.digest))", limit: object.size, into: sink)
    guard sink.bytes.count == object.size, SHA256.digest(of: sink.bytes).hex == object.digest else {
      throw ChannelError(
        .badRelease,
        "\(object.name) does not have the SHA-256 that the release signs; the mirror lies, use another")
    }
    return sink.bytes
  }
}

extension Fetcher {
  /// A file in memory; `nil` if there is none.
  func fetchIfPresent(_ url: String, limit: Int) async throws -> [UInt8]? {
    let sink = MemorySink(limit: limit)
    do {
      try await fetch(url, limit: limit, into: sink)
      return sink.bytes
    } catch let error as UpdateError where error.code == .notAvailable {
      return nil
    }
  }
}
