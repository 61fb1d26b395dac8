package import Bytes
package import DebianPackage

/// Everything that a package ships, unpacked once and kept: nothing in here depends on a manifest.
package struct PackageContents: Sendable {
  /// One path.
  package struct Entry: Sendable {
    package enum Kind: Sendable {
      case directory
      case file(FileContent)
      case symlink(String)
      case hardLink(String)
    }

    /// As in the package: relative, not yet merged-/usr.
    package let path: String
    package let kind: Kind
    package let permissions: UInt16
    package let owner: AccountReference
    package let group: AccountReference
  }

  /// A maintainer script: what the recogniser made of it.
  package struct Script: Sendable {
    package let name: ScriptName
    package let digest: SHA256Digest
    package let scriptClass: ScriptClass
    package let actions: [ScriptAction]
  }

  package let name: String
  package let version: String
  /// The `control` file's fields in their order.
  package let control: ControlParagraph
  package let conffiles: [String]
  package let scripts: [Script]
  package let entries: [Entry]

  /// Opens a .deb: all files, all scripts.
  package init(_ deb: DebFile) throws {
    name = deb.packageName
    version = deb.version.description
    control = deb.control
    conffiles = deb.conffiles
    scripts = deb.scripts.sorted { $0.key < $1.key }.map { name, script in
      let verdict = ScriptClassifier.classify(script, name: name)
      return Script(
        name: name, digest: SHA256.digest(of: script), scriptClass: verdict.class, actions: verdict.actions)
    }
    entries = try deb.entries { _, _ in true }.map { Entry($0) }
  }

  init(
    name: String, version: String, control: ControlParagraph, conffiles: [String], scripts: [Script],
    entries: [Entry]
  ) {
    self.name = name
    self.version = version
    self.control = control
    self.conffiles = conffiles
    self.scripts = scripts
    self.entries = entries
  }
}

extension PackageContents.Entry {
  fileprivate init(_ entry: DebEntry) {
    path = entry.path
    permissions = entry.permissions
    owner = Self.account(entry.ownerName, entry.ownerID)
    group = Self.account(entry.groupName, entry.groupID)
    switch entry.kind {
    case .directory: kind = .directory
    case .symlink(let target): kind = .symlink(target)
    case .hardLink(let target): kind = .hardLink(target)
    case .file(_, let content): kind = .file(FileContent(content ?? []))
    }
  }

  private static func account(_ name: String, _ number: UInt32) -> AccountReference {
    name.isEmpty || name == "root" ? .number(number) : .name(name)
  }
}
