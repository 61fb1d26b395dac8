package import Bytes

/// What an image is made of, as SPDX 2.3 describes it (ISO/IEC 5962; spdx.github.io/spdx-spec/v2.3). A pure value:
/// the same inputs give the same document.
package struct SPDXDocument: Sendable {
  /// A file of the image.
  package struct File: Sendable {
    /// From the root, without a leading slash.
    package let path: String
    package let digests: FileDigests

    package init(path: String, digests: FileDigests) {
      self.path = path
      self.digests = digests
    }
  }

  /// What a Debian package has beyond its files.
  package struct Debian: Sendable {
    package let architecture: String
    /// The .deb, below its archive's base.
    package let path: String
    package let digest: SHA256Digest
    /// The source package with its version, such as `acl 2.3.2-2`.
    package let source: String
    /// The Maintainer field; `nil` if it is not known.
    package let maintainer: String?
    package let homepage: String?
    package let license: PackageLicense?
    /// The packages of the image that it depends on.
    package let dependencies: [String]

    package init(
      architecture: String, path: String, digest: SHA256Digest, source: String, maintainer: String?,
      homepage: String?, license: PackageLicense?, dependencies: [String]
    ) {
      self.architecture = architecture
      self.path = path
      self.digest = digest
      self.source = source
      self.maintainer = maintainer
      self.homepage = homepage
      self.license = license
      self.dependencies = dependencies
    }
  }

  /// What a part of the image is.
  package enum Origin: Sendable {
    case debian(Debian)
    /// A Debian package that only gives files to the boot artifacts.
    case boot(Debian)
    /// Anything else, in one sentence.
    case other(String)
  }

  /// A part of the image: a Debian package, a component, or what the builder made.
  package struct Part: Sendable {
    /// A Debian package's name, or such as `component base`; names differ.
    package let name: String
    /// `nil` where it has none.
    package let version: String?
    package let origin: Origin
    package let files: [File]

    package init(name: String, version: String?, origin: Origin, files: [File]) {
      self.name = name
      self.version = version
      self.origin = origin
      self.files = files
    }
  }

  /// The image's name, version and architecture (Debian's word).
  package let name: String
  package let version: String
  package let architecture: String
  /// When, as RFC 3339 in UTC: the release's time.
  package let created: String
  /// The root image's dm-verity root hash.
  package let rootHash: SHA256Digest
  /// The lock file's digest: with the root hash it tells documents apart.
  package let lockDigest: SHA256Digest
  /// Such as `debian-13`.
  package let distribution: String
  /// What wrote it, such as `netimg-0.1.0`.
  package let tool: String
  package let parts: [Part]

  package init(
    name: String, version: String, architecture: String, created: String, rootHash: SHA256Digest,
    lockDigest: SHA256Digest, distribution: String, tool: String, parts: [Part]
  ) {
    self.name = name
    self.version = version
    self.architecture = architecture
    self.created = created
    self.rootHash = rootHash
    self.lockDigest = lockDigest
    self.distribution = distribution
    self.tool = tool
    self.parts = parts.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }
}
