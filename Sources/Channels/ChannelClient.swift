internal import Bytes
internal import FrameFormat
package import ImageBuilder
internal import Transfers
package import UpdateFramework

/// What a device, a boot server or a CI job asks a repository: which release is current, and what of it is
/// missing here.
package struct ChannelClient: Sendable {
  private let updater: Updater
  private let fetcher: any Fetcher
  private let baseURL: String

  /// - Parameters:
  ///   - trust: The directory of trusted metadata, with a root to begin with.
  ///   - url: The repository: its directory's address.
  package init(trust: LocalMetadata, fetcher: any Fetcher, url: String, limits: UpdateLimits = UpdateLimits())
    throws
  {
    baseURL = url.hasSuffix("/") ? String(url.dropLast()) : url
    self.fetcher = fetcher
    updater = try Updater(
      local: trust, fetcher: fetcher, metadataURL: baseURL + "/metadata", targetsURL: baseURL + "/targets",
      limits: limits)
  }

  /// The current release of an image.
  package struct Current: Sendable {
    package let entry: ChannelEntry
    /// The version of the channel's metadata that says so.
    package let channelVersion: Int
    fileprivate let target: VouchedTarget
  }

  /// Refreshes and asks the channel.
  /// - Throws: `unknownChannel` if the channel does not have the image, or an `UpdateError`.
  package func current(_ image: String, in channel: String) async throws -> Current {
    let path = Names.current(image, in: channel)
    do {
      let target = try await updater.target(path.text)
      return Current(
        entry: try ChannelEntry(image: image, target.file), channelVersion: target.version, target: target)
    } catch let error as UpdateError where error.code == .targetNotFound {
      throw ChannelError(
        .unknownChannel, "the repository has no channel \(channel) with the image \(image); check both")
    }
  }

  /// What a release is made of, and what of it is missing in a directory that holds files by their SHA-256,
  /// or a release.
  package struct Plan: Sendable {
    package let release: Release
    /// The bytes of release.json.
    package let manifest: [UInt8]
    /// Files and frames of the release, and their bytes.
    package let files: Int
    package let bytes: Int
    /// Those that are missing.
    package let missing: [Object]
    package var missingBytes: Int { missing.reduce(0) { $0 + $1.size } }
  }

  /// A file that is known by its content.
  package struct Object: Sendable, Hashable {
    /// What the release calls it.
    package let name: String
    package let digest: String
    package let size: Int
  }

  /// Fetches release.json and the index of the root image, both verified, and compares with what is here.
  /// - Parameter have: Whether a file of this SHA-256 is here already.
  package func plan(_ current: Current, have: (String) -> Bool) async throws -> Plan {
    let manifest = try await updater.bytes(of: current.target, limit: Release.maximumSize)
    let release = try Release.decode(manifest, file: "release.json of \(current.entry.image)")
    var objects = release.artifacts.map {
      Object(name: $0.name, digest: $0.sha256, size: Int(clamping: $0.size))
    }
    guard let index = objects.first(where: { $0.name == ReleaseFile.index }) else {
      throw ChannelError(.badRelease, "the release \(current.entry.release) lists no \(ReleaseFile.index)")
    }
    let frames: [RootIndex.Frame]
    do {
      frames = try RootIndex.decode(try await fetch(index)).frames
    } catch let error as FrameFormatError {
      throw ChannelError(.badRelease, "\(ReleaseFile.index) of \(current.entry.image): \(error.message)")
    }
    objects += frames.map {
      Object(name: "\(ReleaseFile.frames)/\($0.digest.hex)", digest: $0.digest.hex, size: $0.storedSize)
    }
    var seen: Set<String> = []
    objects = objects.filter { seen.insert($0.digest).inserted }
    return Plan(
      release: release, manifest: manifest, files: objects.count, bytes: objects.reduce(0) { $0 + $1.size },
      missing: objects.filter { !have($0.digest) })
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
