/// How a release came to be: an in-toto Statement v1 with the SLSA provenance v1 predicate
/// (slsa.dev/spec/v1.0/provenance). A pure value without clock, host or invocation, so that a repeated build repeats it.
package struct SLSAStatement: Sendable {
  /// A file or another thing with a digest.
  package struct Resource: Sendable {
    package let name: String
    /// What it is, as a URI; empty if there is none.
    package let uri: String
    /// The digest's algorithm (in-toto DigestSet), such as `sha256` or `gitCommit`, and its hexadecimal digits.
    package let algorithm: String
    package let digest: String
    /// What else is known, by name.
    package let annotations: [String: String]

    package init(
      name: String, uri: String = "", algorithm: String = "sha256", digest: String,
      annotations: [String: String] = [:]
    ) {
      self.name = name
      self.uri = uri
      self.algorithm = algorithm
      self.digest = digest
      self.annotations = annotations
    }
  }

  /// Identifies what the parameters below mean; another meaning gets another number.
  package static let buildType = "urn:netimg:build:1"
  /// Who vouches for the parameters: netimg itself, wherever it ran. Who ran it is who signed.
  package static let builderID = "urn:netimg:builder:1"

  /// What was made.
  package let subjects: [Resource]
  /// The manifest's path in the repository.
  package let manifest: String
  /// The commit that was asked for; `nil` outside a repository.
  package let commit: String?
  /// Whether the sources differed from that commit.
  package let isDirty: Bool
  package let compressionLevel: Int
  /// netimg's version.
  package let version: String
  /// Versions of the encoders, by format.
  package let formats: [String: Int]
  /// The version of zstd that compressed the image.
  package let zstd: String
  /// What it was made of.
  package let dependencies: [Resource]

  package init(
    subjects: [Resource], manifest: String, commit: String?, isDirty: Bool, compressionLevel: Int,
    version: String, formats: [String: Int], zstd: String, dependencies: [Resource]
  ) {
    self.subjects = subjects
    self.manifest = manifest
    self.commit = commit
    self.isDirty = isDirty
    self.compressionLevel = compressionLevel
    self.version = version
    self.formats = formats
    self.zstd = zstd
    self.dependencies = dependencies
  }
}
