package import Bytes
internal import ImageBuilder

/// A release in the library.
package struct LibraryRelease: Sendable, Hashable {
  /// A file that devices may load, by name.
  package struct Artifact: Sendable, Hashable {
    package let name: String
    /// What release.json says of it; `nil` for the UKI that is signed for Secure Boot, of which it says nothing: that one
    /// is the release's UKI and good signatures, or it is not served.
    package let digest: SHA256Digest?
    package let size: Int?
  }

  /// The SHA-256 of its `release.json`: its name.
  package let digest: SHA256Digest
  package let name: String
  package let version: String
  /// In Debian's words.
  package let architecture: String
  /// Seconds since 1970.
  package let timestamp: UInt64
  package let commandLine: String
  /// Sorted by name.
  package let artifacts: [Artifact]

  /// `nil` if a digest or a name in it is none.
  /// - Parameter isSigned: Whether a UKI that is signed for Secure Boot lies beside the others.
  init?(_ release: Release, digest: SHA256Digest, isSigned: Bool) {
    self.digest = digest
    name = release.name
    version = release.version
    architecture = release.architecture
    timestamp = release.timestamp
    commandLine = release.kernel.commandLine
    var artifacts: [Artifact] = []
    for artifact in release.artifacts {
      guard let digest = SHA256Digest(hex: artifact.sha256), let size = Int(exactly: artifact.size),
        !artifact.name.isEmpty, artifact.name != ".", artifact.name != "..",
        !artifact.name.utf8.contains(where: { $0 == UInt8(ascii: "/") || $0 < 0x20 || $0 == 0x7F })
      else { return nil }
      artifacts.append(Artifact(name: artifact.name, digest: digest, size: size))
    }
    artifacts.removeAll { $0.name == ReleaseFile.signedUKI }
    if isSigned { artifacts.append(Artifact(name: ReleaseFile.signedUKI, digest: nil, size: nil)) }
    self.artifacts = artifacts.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  package func artifact(_ name: String) -> Artifact? { artifacts.first { $0.name == name } }

  /// The UKI that devices are told to load: the signed one where there is one, which machines without Secure Boot start
  /// just as well.
  package var uki: String { artifact(ReleaseFile.signedUKI) == nil ? ReleaseFile.uki : ReleaseFile.signedUKI }

  /// For people: `edge-router 1.2.0 (sha256:0123456789ab…)`.
  package var title: String { "\(name) \(version) (sha256:\(digest.hex.prefix(12))…)" }
}
