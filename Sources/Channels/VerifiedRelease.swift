internal import Bytes
internal import FrameFormat
internal import ImageBuilder
internal import Signing

/// The files of a release that was verified, read once more: a directory may change meanwhile, and what is copied must be
/// what was looked at.
struct VerifiedRelease {
  let reader: ReleaseReader
  private let keys: [PublicKey]

  /// - Parameters:
  ///   - digest: The SHA-256 of the release.json that was verified.
  ///   - keys: Those of which one has signed it.
  /// - Throws: `badRelease`.
  init(_ path: String, digest: String, keys: [PublicKey]) throws {
    reader = try ReleaseReader(path)
    self.keys = keys
    guard SHA256.digest(of: reader.manifest).hex == digest else { throw changed(ReleaseFile.release) }
  }

  /// A file whose digest the release names.
  /// - Throws: `badRelease`.
  func read(_ name: String, _ digest: String) throws -> [UInt8] {
    let bytes = try reader.read(name)
    guard SHA256.digest(of: bytes).hex == digest else { throw changed(name) }
    return bytes
  }

  /// An artifact.
  private func read(_ name: String) throws -> [UInt8] {
    guard let artifact = reader.release.artifacts.first(where: { $0.name == name }) else {
      throw ChannelError(.badRelease, "\(reader.directory) lists no \(name); build it anew")
    }
    return try read(name, artifact.sha256)
  }

  /// The index, decoded.
  func index() throws -> RootIndex {
    do {
      return try RootIndex.decode(read(ReleaseFile.index))
    } catch let error as FrameFormatError {
      throw ChannelError(.badRelease, "\(reader.directory)/\(ReleaseFile.index): \(error.message)")
    }
  }

  /// The files that release.json does not name, as far as they are there: what they say of themselves is looked at, by the
  /// very bytes.
  func companions() throws -> [(name: String, bytes: [UInt8])] {
    var files: [(name: String, bytes: [UInt8])] = []
    for (name, about) in [
      (ReleaseFile.signature, nil), (ReleaseFile.sbomSignature, ReleaseFile.sbom),
      (ReleaseFile.provenanceSignature, ReleaseFile.provenance),
    ] {
      guard let bytes = try reader.readIfPresent(name) else { continue }
      let payload = try about.map { try read($0) } ?? reader.manifest
      let envelope = try Envelope(json: bytes, source: "\(reader.directory)/\(name)")
      guard envelope.payload == payload, !envelope.acceptedKeys(keys).isEmpty else { throw changed(name) }
      files.append((name, bytes))
    }
    if let bytes = try reader.readIfPresent(ReleaseFile.signedUKI) {
      _ = try ReleaseSecureBoot.signers(
        ofSigned: bytes, uki: read(ReleaseFile.uki), in: reader.directory)
      files.append((ReleaseFile.signedUKI, bytes))
    }
    return files
  }

  private func changed(_ name: String) -> ChannelError {
    ChannelError(
      .badRelease,
      "\(reader.directory)/\(name) was changed while it was read; nobody may write there now: publish it again"
    )
  }
}
