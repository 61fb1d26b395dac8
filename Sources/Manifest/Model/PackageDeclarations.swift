package import Bytes

/// A package to install.
package struct PackageRequest: Sendable, Hashable {
  /// The binary package's name (Debian policy 5.6.7).
  package let name: String
  /// The only version that will do, or `nil` for the newest of the suite.
  package let version: String?

  package init(name: String, version: String? = nil) {
    self.name = name
    self.version = version
  }
}

/// A package to leave out although something depends on it.
package struct PackageExclusion: Sendable, Hashable {
  /// The binary package's name.
  package let package: String
  /// Why the image works without it; never empty.
  package let reason: String

  package init(package: String, reason: String) {
    self.package = package
    self.reason = reason
  }
}

/// Paths of packages that the image leaves out.
package struct DropRule: Sendable, Hashable {
  /// What to leave out.
  package let paths: [PathGlob]
  /// What to keep although it matches `paths`.
  package let keep: [PathGlob]
  /// Why; never empty.
  package let reason: String

  package init(paths: [PathGlob], keep: [PathGlob] = [], reason: String) {
    self.paths = paths
    self.keep = keep
    self.reason = reason
  }

  /// Whether an absolute path is to be left out.
  package func drops(_ path: String) -> Bool {
    paths.contains { $0.matches(path) } && !keep.contains { $0.matches(path) }
  }
}

/// The name of a maintainer script (Debian policy 6.1) or of its debconf companion.
package enum MaintainerScriptName: String, Sendable, Hashable, CaseIterable {
  case preinst, postinst, prerm, postrm, config
}

/// A person's verdict on a maintainer script that the builder cannot classify by itself.
package struct ScriptReview: Sendable, Hashable {
  /// The binary package's name.
  package let package: String
  /// Which of its scripts.
  package let script: MaintainerScriptName
  /// The exact texts that were reviewed; never empty.
  package let digests: [SHA256Digest]
  /// What the script does and why the replacement is as good; never empty.
  package let reason: String
  /// What to do instead of running it; empty if a fresh image needs nothing.
  package let replacement: ScriptReplacement

  package init(
    package: String, script: MaintainerScriptName, digests: [SHA256Digest], reason: String,
    replacement: ScriptReplacement = ScriptReplacement()
  ) {
    self.package = package
    self.script = script
    self.digests = digests
    self.reason = reason
    self.replacement = replacement
  }
}

/// What stands in for a maintainer script that is not run.
package struct ScriptReplacement: Sendable, Hashable {
  package var users: [Located<UserEntry>] = []
  package var groups: [Located<GroupEntry>] = []
  package var directories: [Located<DirectoryEntry>] = []
  package var links: [Located<LinkEntry>] = []
  package var files: [Located<FileEntry>] = []
  package var permissions: [Located<PermissionChange>] = []

  package init() {}

  /// Whether nothing is needed instead of the script.
  package var isEmpty: Bool {
    users.isEmpty && groups.isEmpty && directories.isEmpty && links.isEmpty && files.isEmpty
      && permissions.isEmpty
  }
}

/// The target of an alternative (update-alternatives(1)), instead of the one with the highest priority.
package struct AlternativeChoice: Sendable, Hashable {
  /// The alternative's name, such as `editor`.
  package let name: String
  /// The absolute path that it leads to.
  package let path: String

  package init(name: String, path: String) {
    self.name = name
    self.path = path
  }
}

/// A finding of the build's checks that a person accepts.
package struct RuleException: Sendable, Hashable {
  /// The check's name, such as `setuid`.
  package let rule: String
  /// The absolute path that it is about, or a pattern of paths (`PathGlob`).
  package let path: String
  /// Why it is acceptable; never empty.
  package let reason: String

  package init(rule: String, path: String, reason: String) {
    self.rule = rule
    self.path = path
    self.reason = reason
  }
}
