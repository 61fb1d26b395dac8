/// The keys that images and components share.
enum ManifestKeys {
  /// The versions of the manifest format.
  enum APIVersion: String, Sendable, CaseIterable {
    case v1 = "netimg/v1"
  }

  static let apiVersion = Key(
    "apiVersion", .enumeration(APIVersion.allCases), "The version of the manifest format.",
    example: "netimg/v1",
    required: true)
  static let description = Key(
    "description", .text(.any), "One sentence on what it is for.", example: "Router at the edge of a site",
    fallback: "")
  static let packages = Key(
    "packages", PackageKeys.packages, "The packages that the image is made of.",
    example: "{include: [systemd]}")
  static let files = Key(
    "files", .list(of: FileKeys.file), "Regular files.",
    example: #"[{path: /etc/motd, content: "Welcome.\n"}]"#)
  static let directories = Key(
    "directories", .list(of: FileKeys.directory), "Directories.", example: "[{path: /etc/frr}]")
  static let links = Key(
    "links", .list(of: FileKeys.link), "Symbolic links.",
    example: "[{path: /etc/localtime, target: /usr/share/zoneinfo/UTC}]")
  static let permissions = Key(
    "permissions", .list(of: FileKeys.permission), "Changes to what packages ship.",
    example: #"[{path: /usr/bin/mount, mode: "0755", reason: "nobody mounts by hand"}]"#)
  static let users = Key("users", .list(of: SystemKeys.user), "User accounts.", example: "[{name: frr}]")
  static let groups = Key("groups", .list(of: SystemKeys.group), "Groups.", example: "[{name: frrvty}]")
  static let units = Key(
    "units", SystemKeys.units, "What systemd starts.", example: "{enable: [frr.service]}")
  static let sysctls = Key(
    "sysctls", SystemKeys.sysctls, "Kernel settings under /proc/sys; values are kept as they are written.",
    example: "{net.ipv4.ip_forward: 1}")
  static let drop = Key(
    "drop", .list(of: PackageKeys.drop), "Files of packages that the image leaves out.",
    example: #"[{paths: [/usr/share/man/**], reason: "nobody reads it on a device"}]"#)
  static let scripts = Key(
    "scripts", .list(of: ScriptKeys.review), "Reviewed maintainer scripts.",
    example: """
      [{package: frr, script: postinst, sha256: [\(String(repeating: "0f", count: 32))], \
      reason: "creates its log directory, which is on a tmpfs here"}]
      """)
  static let alternatives = Key(
    "alternatives", .list(of: SystemKeys.alternative), "Choices between alternatives.",
    example: "[{name: editor, path: /usr/bin/vim.tiny}]")
  static let exceptions = Key(
    "exceptions", .list(of: SystemKeys.exception), "Findings of the build's checks that are accepted.",
    example: #"[{rule: setuid, path: /usr/bin/su, reason: "the recovery console needs it"}]"#)

  /// Those of the keys above that declare something about the root file system, in the reference's order.
  static let declarations: [any SchemaKey] = [
    files, directories, links, permissions, users, groups, units, sysctls, drop, scripts, alternatives,
    exceptions,
  ]

  /// What a manifest declares.
  static func declarations(from fields: Fields, kernel: KernelKeys.Kernel?) -> Declarations {
    var result = Declarations()
    let packages = fields[packages]
    result.includedPackages = packages?.include ?? []
    result.excludedPackages = packages?.exclude ?? []
    result.modules = kernel?.modules ?? []
    result.commandLine = kernel?.commandLine ?? []
    result.files = fields[files] ?? []
    result.directories = fields[directories] ?? []
    result.links = fields[links] ?? []
    result.permissions = fields[permissions] ?? []
    result.users = fields[users] ?? []
    result.groups = fields[groups] ?? []
    let units = fields[units]
    result.enabledUnits = units?.enable ?? []
    result.maskedUnits = units?.mask ?? []
    result.sysctls = fields[sysctls] ?? []
    result.drops = fields[drop] ?? []
    result.scripts = fields[scripts] ?? []
    result.alternatives = fields[alternatives] ?? []
    result.exceptions = fields[exceptions] ?? []
    return result
  }
}
