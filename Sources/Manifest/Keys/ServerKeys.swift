/// The keys of `kind: Server`.
enum ServerKeys {
  enum Kind: String, Sendable, CaseIterable {
    case server = "Server"
  }

  static let kind = Key(
    "kind", .enumeration(Kind.allCases), "What this describes.", example: "Server", required: true)
  static let roles = Key(
    "roles", .values(of: .enumeration(ServerRole.allCases), allowsEmpty: false),
    "What this process does, everything if it is missing: boot answers devices; control follows the repository and git, holds the online key, and has the API.",
    example: "[boot]")
  static let state = Key(
    "state", .text(.hostPath), "The directory for what must outlast the process.", example: "/var/lib/netimg")
  static let library = Key(
    "library", .text(.hostPath),
    "The directory that netimg publish fills; library in the state directory if it is missing.",
    example: "/srv/netimg/library")
  static let fleet = Key(
    "fleet", .text(.hostPath),
    "The kind: Fleet manifest; fleet.yaml in the state directory, if it is there, if this is missing.",
    example: "fleet.yaml")
  static let log = Key("log", logSettings, "What is written to standard error.", example: "{format: json}")
  static let http = Key(
    "http", httpSettings, "The HTTP listeners.", example: #"{listen: ["192.0.2.1:8080"]}"#)
  static let control = Key(
    "control", controlSettings, "The role control's own listeners.",
    example: #"{listen: ["127.0.0.1:8081"]}"#)
  static let tftp = Key("tftp", tftpSettings, "The TFTP server.", example: "{singlePort: true}")
  static let dhcp = Key(
    "dhcp", dhcpSettings, "DHCP for devices that boot.", example: "{mode: proxy, interfaces: [eth1]}")
  static let ipxe = Key(
    "ipxe", ipxeSettings, "iPXE's programs and scripts.", example: "{firmware: /usr/lib/ipxe}")

  static let drain = Key(
    "drain", .duration,
    "How long TFTP transfers under way may go on when the server stops, and HTTP's after them; no other server can begin before that.",
    example: "1min", fallback: "5s")

  static let repository = Key(
    "repository", repositorySettings, "The repository whose channels groups of devices follow.",
    example: "{from: /srv/netimg/repository, root: root.json}")

  static let git = Key(
    "git", gitSettings, "A git repository with the fleet's manifest, which is followed in place of a file.",
    example: "{from: https://example.org/fleet.git, allowedSigners: allowed_signers}")

  static let uploads = Key(
    "uploads", uploadSettings, "What is taken over the network from those who hold keys.",
    example: "{keys: [ci.pub]}")

  static let server = ValueType<ServerManifest>.object(
    "Server", "The settings of netimg serve.",
    keys: [
      ManifestKeys.apiVersion, kind, ManifestKeys.description, roles, state, library, fleet, log, http,
      control, tftp, dhcp, ipxe, repository, git, uploads, drain,
    ]
  ) { fields, _ in
    var server = ServerManifest()
    if let roles = fields[roles] { server.roles = roles }
    server.state = fields[state]
    server.library = fields[library]
    server.fleet = fields[fleet]
    if let log = fields[log] { server.log = log }
    if let http = fields[http] { server.http = http }
    if let control = fields[control] { server.control = control }
    if let tftp = fields[tftp] { server.tftp = tftp }
    if let dhcp = fields[dhcp] { server.dhcp = dhcp }
    if let ipxe = fields[ipxe] { server.ipxe = ipxe }
    if let drain = fields[drain] { server.drain = drain }
    server.repository = fields[repository]
    server.git = fields[git]
    if let uploads = fields[uploads] { server.uploads = uploads }
    return server
  }

  // log
  static let format = Key(
    "format", .enumeration(LogSettings.Format.allCases), "Lines for people, or one JSON object a line.",
    example: "json", fallback: "text")
  static let level = Key(
    "level", .enumeration(LogSettings.Level.allCases), "The least that is written.", example: "debug",
    fallback: "info")

  static let logSettings = ValueType<LogSettings>.object(
    "Log", "What is written to standard error.", keys: [format, level]
  ) { fields, _ in
    var log = LogSettings()
    if let format = fields[format] { log.format = format }
    if let level = fields[level] { log.level = level }
    return log
  }

  // ipxe
  static let firmware = Key(
    "firmware", .text(.hostPath), "The directory with undionly.kpxe, ipxe.efi and snponly.efi.",
    example: "/usr/lib/ipxe", fallback: "/usr/lib/ipxe")
  static let templates = Key(
    "templates", .text(.hostPath),
    "A directory with templates that replace the built-in ones of the same name.",
    example: "pxe/templates")
  static let chainloadsUEFI = Key(
    "chainloadUEFI", .boolean,
    "Whether UEFI firmware that boots by TFTP gets iPXE first, which then uses HTTP, rather than the image itself; not with Secure Boot.",
    example: "true")

  static let ipxeSettings = ValueType<IPXESettings>.object(
    "IPXE", "iPXE's programs and scripts.", keys: [firmware, templates, chainloadsUEFI]
  ) { fields, _ in
    var ipxe = IPXESettings()
    if let firmware = fields[firmware] { ipxe.firmware = firmware }
    ipxe.templates = fields[templates]
    if let chainloads = fields[chainloadsUEFI] { ipxe.chainloadsUEFI = chainloads }
    return ipxe
  }
}
