internal import Bytes
package import Signing

extension BuiltRelease {
  /// The DSSE payload type of a signed release.json.
  package static let payloadType = "application/vnd.netimg.release+json"

  /// Writes the release to a directory, signed if there is a signer. The directory appears whole or not at all.
  ///
  /// - Parameters:
  ///   - replacing: whether a directory that is there already gives way.
  ///   - announce: told the temporary directory, which an interruption should remove.
  package func write(
    to path: String, signer: (any Signer)?, replacing: Bool, announce: (String) -> Void = { _ in }
  ) async throws {
    var envelopes: [(name: String, content: [UInt8])] = []
    if let signer {
      for signed in signedFiles {
        let envelope = try await Envelope.sign(
          payloadType: signed.payloadType, payload: signed.payload, signers: [signer])
        envelopes.append((signed.envelope, envelope.json))
      }
    }
    let directory = try ReleaseDirectory(path)
    announce(directory.temporary)
    try directory.makeDirectory(ReleaseFile.frames)
    let temporary = directory.temporary
    // The largest first, so that no core waits for the other at the end.
    let order = files.sorted { ($1.content.count, $0.name) < ($0.content.count, $1.name) }
    _ = try await concurrentMap(order) {
      try ReleaseDirectory.write($0.content, to: "\(temporary)/\($0.name)")
    }
    try directory.write(ByteRope(manifest), to: ReleaseFile.release)
    for envelope in envelopes { try directory.write(ByteRope(envelope.content), to: envelope.name) }
    try directory.commit(replacing: replacing)
  }

  /// What a signer signs: release.json, and what tools that do not know releases look at.
  private var signedFiles: [(payloadType: String, payload: [UInt8], envelope: String)] {
    var signed = [(Self.payloadType, manifest, ReleaseFile.signature)]
    for document in SignedDocument.all {
      guard let file = files.first(where: { $0.name == document.file }) else { continue }
      signed.append((document.payloadType, file.content.flattened(), document.envelope))
    }
    return signed
  }
}
