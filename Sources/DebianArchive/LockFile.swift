package import Bytes

/// Every input of a build by its SHA-256: a file that is committed beside the manifest, and read by people in
/// reviews.
package struct LockFile: Sendable, Equatable {
  /// The format that this version writes, and the newest that it reads.
  package static let formatVersion = 1
  /// The largest package file, in bytes.
  package static let maximumPackageSize = 2 << 30

  /// An archive's suite as it was when the lock was made.
  package struct Archive: Sendable, Equatable {
    package let archive: String
    package let suite: String
    package let codename: String
    /// The point release, such as `13.8`; empty if the archive names none.
    package let version: String
    /// When the archive made its metadata.
    package let date: ReleaseDate
    /// The digest of the InRelease file.
    package let digest: SHA256Digest

    package init(
      archive: String, suite: String, codename: String, version: String, date: ReleaseDate,
      digest: SHA256Digest
    ) {
      self.archive = archive
      self.suite = suite
      self.codename = codename
      self.version = version
      self.date = date
      self.digest = digest
    }
  }

  /// What a package is for.
  package enum Role: String, Sendable, CaseIterable {
    /// It is unpacked into the image.
    case image
    /// The build reads files from it; the image does not contain it.
    case build
  }

  /// How a maintainer script, or a trigger, is dealt with.
  package enum ScriptClass: String, Sendable, CaseIterable {
    /// It does nothing.
    case inert
    /// It does what `actions` say, which the builder does natively.
    case known
    /// A person has reviewed it: the manifest says what replaces it.
    case reviewed
    /// It never runs for a fresh image.
    case notRun = "not-run"
  }

  /// A maintainer script.
  package struct Script: Sendable, Equatable {
    /// Such as `postinst`.
    package let name: String
    package let digest: SHA256Digest
    package let scriptClass: ScriptClass
    /// What it does, as `ScriptAction` writes it, in order.
    package let actions: [String]

    package init(name: String, digest: SHA256Digest, scriptClass: ScriptClass, actions: [String]) {
      self.name = name
      self.digest = digest
      self.scriptClass = scriptClass
      self.actions = actions
    }
  }

  /// A line of a package's triggers file.
  package struct Trigger: Sendable, Equatable {
    package let text: String
    package let triggerClass: ScriptClass

    package init(text: String, triggerClass: ScriptClass) {
      self.text = text
      self.triggerClass = triggerClass
    }
  }

  /// A package that was chosen, what it is for, and what its scripts would do. What ``SolvedPackage`` says of it is
  /// its own.
  @dynamicMemberLookup
  package struct Package: Sendable, Equatable {
    package let solved: SolvedPackage
    package let role: Role
    package let scripts: [Script]
    package let triggers: [Trigger]

    package init(_ solved: SolvedPackage, role: Role, scripts: [Script] = [], triggers: [Trigger] = []) {
      self.solved = solved
      self.role = role
      self.scripts = scripts
      self.triggers = triggers
    }

    package subscript<Value>(dynamicMember member: KeyPath<SolvedPackage, Value>) -> Value {
      solved[keyPath: member]
    }
  }

  /// The image's name.
  package var image: String
  /// The image's architecture, in Debian's words.
  package var architecture: String
  /// A digest over what in the manifest decides the lock (``inputs(of:)``).
  package var inputs: SHA256Digest
  /// The archives, in the manifest's order.
  package var archives: [Archive]
  /// The packages, by name.
  package var packages: [Package]

  package init(
    image: String, architecture: String, inputs: SHA256Digest, archives: [Archive], packages: [Package]
  ) {
    self.image = image
    self.architecture = architecture
    self.inputs = inputs
    self.archives = archives
    self.packages = packages.sorted { $0.name < $1.name }
  }

  /// The package of a name, or `nil`.
  package func package(named name: String) -> Package? {
    packages.first { $0.name == name }
  }
}
