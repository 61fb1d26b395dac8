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
    var envelope: [UInt8]?
    if let signer {
      envelope = try await Envelope.sign(payloadType: Self.payloadType, payload: manifest, signers: [signer])
        .json
    }
    let directory = try ReleaseDirectory(path)
    announce(directory.temporary)
    try directory.makeDirectory(ReleaseFile.frames)
    for file in files { try directory.write(file.content, to: file.name) }
    try directory.write(ByteRope(manifest), to: ReleaseFile.release)
    if let envelope { try directory.write(ByteRope(envelope), to: ReleaseFile.signature) }
    try directory.commit(replacing: replacing)
  }
}
