/// What an image or a component declares about the root file system; each item knows its origin.
package struct Declarations: Sendable, Equatable {
  /// Packages to install, with what they depend on.
  package var includedPackages: [Located<PackageRequest>] = []
  /// Packages to leave out although something depends on them.
  package var excludedPackages: [Located<PackageExclusion>] = []
  /// Kernel modules to ship, with what they depend on: canonical names, `_` and never `-`.
  package var modules: [Located<String>] = []
  /// Kernel parameters, one an item, in order.
  package var commandLine: [Located<String>] = []
  /// Regular files.
  package var files: [Located<FileEntry>] = []
  /// Directories.
  package var directories: [Located<DirectoryEntry>] = []
  /// Symbolic links.
  package var links: [Located<LinkEntry>] = []
  /// Changes to the owner, mode or capabilities of what a package ships.
  package var permissions: [Located<PermissionChange>] = []
  /// User accounts.
  package var users: [Located<UserEntry>] = []
  /// Groups.
  package var groups: [Located<GroupEntry>] = []
  /// systemd units to enable.
  package var enabledUnits: [Located<String>] = []
  /// systemd units to mask.
  package var maskedUnits: [Located<String>] = []
  /// Kernel settings under `/proc/sys`.
  package var sysctls: [Located<Sysctl>] = []
  /// Files of packages that the image leaves out.
  package var drops: [Located<DropRule>] = []
  /// Reviewed maintainer scripts.
  package var scripts: [Located<ScriptReview>] = []
  /// Choices between alternatives.
  package var alternatives: [Located<AlternativeChoice>] = []
  /// Accepted findings of the build's checks.
  package var exceptions: [Located<RuleException>] = []

  package init() {}
}
