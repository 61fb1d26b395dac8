internal import Bytes
package import ImageBuilder
package import Signing

/// A release's release.json in its DSSE envelope, as somebody sent it, signed by those who may: what says which bytes are
/// taken.
package struct SignedUpload: Sendable {
  /// The most bytes that the envelope may have.
  package static let maximumSize = 8 << 20

  /// SHA-256 of release.json: the release's name.
  package let digest: String
  package let release: Release
  /// The bytes of release.json.
  package let manifest: [UInt8]
  package let envelope: Envelope

  /// - Throws: `UploadError` `.malformed`, or `.refused` if it is not signed by enough of the authority's keys.
  package init(_ bytes: [UInt8], by authority: ChannelPolicy.Authority) throws(UploadError) {
    let envelope: Envelope
    do { envelope = try Envelope(json: bytes, source: ReleaseFile.signature) } catch {
      throw UploadError(.malformed, "\(error); send the \(ReleaseFile.signature) of a release that is signed")
    }
    do {
      manifest = try envelope.verify(
        keys: authority.keys, threshold: authority.threshold, payloadType: BuiltRelease.payloadType)
    } catch {
      throw UploadError(.refused, "the release may not come here: \(error)")
    }
    release = try Self.release(manifest)
    self.envelope = envelope
    digest = SHA256.digest(of: manifest).hex
  }

  /// Reads release.json.
  /// - Throws: `UploadError` `.malformed`.
  static func release(_ manifest: [UInt8]) throws(UploadError) -> Release {
    let release: Release
    do { release = try Release.decode(manifest, file: ReleaseFile.release) } catch {
      throw UploadError(.malformed, error.message)
    }
    for artifact in release.artifacts {
      guard Self.isPlain(artifact.name), SHA256Digest(hex: artifact.sha256)?.hex == artifact.sha256,
        artifact.size <= 1 << 30
      else {
        throw UploadError(
          .malformed, "\(ReleaseFile.release) lists a file as no release does; build it anew")
      }
    }
    return release
  }

  /// Whether a file of a release may be called so: one part of a path, and none of the names that lie beside the artifacts.
  private static func isPlain(_ name: String) -> Bool {
    let taken = [
      ReleaseFile.release, ReleaseFile.signature, ReleaseFile.sbomSignature, ReleaseFile.provenanceSignature,
      ReleaseFile.signedUKI, ReleaseFile.frames,
    ]
    return (1...100).contains(name.utf8.count) && !name.hasPrefix(".") && !taken.contains(name)
      && name.utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
          || [0x2D, 0x2E, 0x5F].contains($0)
      }
  }
}
