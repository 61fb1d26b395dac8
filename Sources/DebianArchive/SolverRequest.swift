package import Bytes

/// What to solve for.
package struct SolverRequest: Sendable {
  /// A package that somebody asks for.
  package struct Wanted: Sendable, Hashable {
    /// The binary package's name.
    package let name: String
    /// The only version that will do, or `nil` for the newest.
    package let version: String?
    /// Who asks, such as `component base`.
    package let origin: String

    package init(name: String, version: String? = nil, origin: String) {
      self.name = name
      self.version = version
      self.origin = origin
    }
  }

  /// The architecture in Debian's words; packages for `all` fit too.
  package var architecture: String
  /// The packages to install with what they depend on.
  package var wanted: [Wanted]
  /// The packages to take without what they depend on: the build reads them, the image does not get them.
  package var buildOnly: [Wanted] = []
  /// Names of packages that count as installed, and are not, and bring no dependencies of their own.
  package var excluded: [String] = []
  /// Versions to stay with where they can still be had and the rest allows it: the previous lock's.
  package var preferred: [String: String] = [:]

  package init(architecture: String, wanted: [Wanted]) {
    self.architecture = architecture
    self.wanted = wanted
  }
}

/// A package that was chosen, with all that is needed to fetch it.
package struct SolvedPackage: Sendable, Equatable {
  package let name: String
  package let version: String
  /// As the package says: the image's, or `all`.
  package let architecture: String
  /// The archive that carries it.
  package let archive: String
  /// Its file, below the archive's base.
  package let path: String
  /// The file's size in bytes.
  package let size: Int
  package let digest: SHA256Digest
  /// The source package that it was built from.
  package let source: String
  /// From who asked for it, over the shortest chain of dependencies, to this package.
  package let why: [String]

  package init(
    name: String, version: String, architecture: String, archive: String, path: String, size: Int,
    digest: SHA256Digest, source: String, why: [String]
  ) {
    self.name = name
    self.version = version
    self.architecture = architecture
    self.archive = archive
    self.path = path
    self.size = size
    self.digest = digest
    self.source = source
    self.why = why
  }
}

/// A consistent set of packages.
package struct Solution: Sendable, Equatable {
  /// What goes into the image, by name.
  package let packages: [SolvedPackage]
  /// What only the build reads, by name; none of them is in `packages`.
  package let buildOnly: [SolvedPackage]
  /// Exclusions without which the set would be the same, by name.
  package let unneededExclusions: [String]
}
