internal import Bytes

/// The keys of `scripts`.
enum ScriptKeys {
  static let package = Key(
    "package", .text(.packageName), "The package's name.", example: "frr", required: true)
  static let script = Key(
    "script", .enumeration(MaintainerScriptName.allCases), "Which of its scripts.", example: "postinst",
    required: true)
  static let digests = Key(
    "sha256", .values(of: digest, allowsEmpty: false), "The exact texts that were reviewed.",
    example: "[\(String(repeating: "0f", count: 32))]", required: true)
  static let reason = Key(
    "reason", .reason, "What the script does, and why the replacement is as good.",
    example: #""adds the group frrvty, declared below""#, required: true)
  static let replacement = Key(
    "replacement", replacementType, "What is done instead; nothing if it is missing.",
    example: "{groups: [{name: frrvty}]}")

  static let digest = ValueType<String>.text(.digest).map { text, _, _ in SHA256Digest(hex: text) }

  static let users = Key("users", .list(of: SystemKeys.user), "User accounts.", example: "[{name: frr}]")
  static let groups = Key("groups", .list(of: SystemKeys.group), "Groups.", example: "[{name: frrvty}]")
  static let directories = Key(
    "directories", .list(of: FileKeys.directory), "Directories.",
    example: #"[{path: /etc/frr, mode: "0750", owner: frr, group: frr}]"#)
  static let links = Key(
    "links", .list(of: FileKeys.link), "Symbolic links.",
    example: "[{path: /etc/localtime, target: /usr/share/zoneinfo/UTC}]")
  static let files = Key(
    "files", .list(of: FileKeys.file), "Regular files.",
    example: #"[{path: /etc/motd, content: "Welcome.\n"}]"#)
  static let permissions = Key(
    "permissions", .list(of: FileKeys.permission), "Changes to what packages ship.",
    example: #"[{path: /usr/bin/mount, mode: "0755", reason: "nobody mounts by hand"}]"#)

  static let replacementType = ValueType<ScriptReplacement>.object(
    "Replacement", "What is done instead of running a maintainer script.",
    keys: [users, groups, directories, links, files, permissions]
  ) { fields, _ in
    var replacement = ScriptReplacement()
    replacement.users = fields[users] ?? []
    replacement.groups = fields[groups] ?? []
    replacement.directories = fields[directories] ?? []
    replacement.links = fields[links] ?? []
    replacement.files = fields[files] ?? []
    replacement.permissions = fields[permissions] ?? []
    return replacement
  }

  static let review = ValueType<ScriptReview>.object(
    "Script", "A person's verdict on a maintainer script; no script is ever run.",
    keys: [package, script, digests, reason, replacement]
  ) { fields, _ in
    guard let package = fields[package], let script = fields[script], let digests = fields[digests],
      let reason = fields[reason]
    else { return nil }
    return ScriptReview(
      package: package, script: script, digests: digests, reason: reason,
      replacement: fields[replacement] ?? ScriptReplacement())
  }
}
