package import Bytes

/// An image manifest together with everything its components declare: what locking and building start from.
///
/// Lists are in composition order: components with their dependencies first, then the image, each in the
/// order of its manifest. Equal declarations appear once, and conflicting ones never get this far.
package struct ComposedImage: Sendable {
  /// The image's name: `[a-z0-9][a-z0-9-]{0,62}`.
  package let name: String
  /// One sentence on what the image is for; empty if the manifest has none.
  package let description: String
  /// The version that the manifest states, or `nil`: then the git revision gives it.
  package let version: Located<String>?
  /// The processor architecture.
  package let architecture: Located<Architecture>
  /// Where packages come from.
  package let suite: Located<Suite>
  /// The package that holds the kernel, such as `linux-image-cloud-amd64`.
  package let kernelPackage: Located<String>
  /// The package that holds systemd's EFI stub.
  package let stubPackage: Located<String>
  /// Upper bounds that the build checks.
  package let limits: Limits
  /// The names of the components used, dependencies first.
  package let components: [String]
  /// For each component, the names that lead to it from the image's manifest, itself the last: where several ways do,
  /// the first that the manifests name.
  package let componentChains: [String: [String]]
  /// The union of what the components and the image declare.
  package let declarations: Declarations
  /// The manifest's path from the repository root.
  package let manifestPath: String
  /// Every file that was read, as paths from the repository root, sorted by their UTF-8 bytes.
  package let sources: [String]
  /// A digest over the path, kind and content of every source: equal digests mean equal inputs.
  package let sourceDigest: SHA256Digest

  package init(
    name: String, description: String = "", version: Located<String>? = nil,
    architecture: Located<Architecture>, suite: Located<Suite>, kernelPackage: Located<String>,
    stubPackage: Located<String>, limits: Limits = Limits(), components: [String] = [],
    componentChains: [String: [String]] = [:],
    declarations: Declarations, manifestPath: String, sources: [String], sourceDigest: SHA256Digest
  ) {
    self.name = name
    self.description = description
    self.version = version
    self.architecture = architecture
    self.suite = suite
    self.kernelPackage = kernelPackage
    self.stubPackage = stubPackage
    self.limits = limits
    self.components = components
    self.componentChains = componentChains
    self.declarations = declarations
    self.manifestPath = manifestPath
    self.sources = sources
    self.sourceDigest = sourceDigest
  }
}

/// Upper bounds that the build checks, in bytes; `nil` where the manifest sets none.
package struct Limits: Sendable, Equatable {
  /// The size of the uncompressed root image.
  package let image: Located<UInt64>?
  /// The size of the UKI.
  package let uki: Located<UInt64>?
  /// The size of any single file in the root image.
  package let file: Located<UInt64>?

  package init(image: Located<UInt64>? = nil, uki: Located<UInt64>? = nil, file: Located<UInt64>? = nil) {
    self.image = image
    self.uki = uki
    self.file = file
  }
}

/// A Debian suite and the archives that make it up.
package struct Suite: Sendable, Hashable {
  /// The suite's code name, such as `trixie`.
  package let name: String
  /// The OpenPGP keys that may sign the archives.
  package let keyring: Keyring
  /// The archives to read; never empty.
  package let sources: [SuiteSource]

  package init(name: String, keyring: Keyring, sources: [SuiteSource]) {
    self.name = name
    self.keyring = keyring
    self.sources = sources
  }
}

/// Where the OpenPGP keyring of a suite is.
package enum Keyring: Sendable, Hashable {
  /// An absolute path on the machine that locks.
  case host(path: String)
  /// A file of the repository, by its path from the root, and its content.
  case repository(path: String, bytes: [UInt8])
}

/// One archive's suite: `archive` names a mirror in the user's configuration, never a host.
package struct SuiteSource: Sendable, Hashable {
  /// The archive's name, such as `debian` or `debian-security`.
  package let archive: String
  /// The suite there, such as `trixie-updates`.
  package let suite: String
  /// The archive's sections (Debian also calls them components), such as `main`.
  package let sections: [String]

  package init(archive: String, suite: String, sections: [String]) {
    self.archive = archive
    self.suite = suite
    self.sections = sections
  }
}
