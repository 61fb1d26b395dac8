package import Bytes
package import Manifest

/// The packages of one suite, from metadata that a trusted key has signed.
package struct SuiteIndexes: Sendable {
  /// Which archive and suite.
  package let source: SuiteSource
  /// The suite's code name, such as `trixie`.
  package let codename: String
  /// The point release, such as `13.8`; empty if the archive names none.
  package let version: String
  /// When the archive made the metadata.
  package let date: ReleaseDate
  /// The digest of the whole InRelease file.
  package let digest: SHA256Digest
  /// The Packages files, one for each section.
  package let indexes: [PackageIndex]
}

/// One Packages file, verified.
package struct PackageIndex: Sendable {
  /// The archive that the packages are fetched from.
  package let archive: String
  /// What messages call it, such as `debian trixie main`.
  package let name: String
  /// The text.
  package let text: [UInt8]

  package init(archive: String, name: String, text: [UInt8]) {
    self.archive = archive
    self.name = name
    self.text = text
  }
}
