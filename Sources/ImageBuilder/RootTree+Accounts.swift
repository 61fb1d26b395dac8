internal import Bytes
internal import Manifest
internal import NativeActions

extension RootTree {
  /// Makes the image's users and groups, from Debian's static ones (if base-passwd is in the image), sysusers.d
  /// and the manifests, and writes passwd, group, shadow and gshadow. Nobody has a password.
  mutating func addAccounts(
    users: [Located<UserEntry>], groups: [Located<GroupEntry>]
  ) throws -> AccountNumbers {
    var database = AccountDatabase.minimal
    let masters = ("usr/share/base-passwd/passwd.master", "usr/share/base-passwd/group.master")
    if let passwd = self[masters.0]?.bytes, let group = self[masters.1]?.bytes {
      database = try AccountDatabase(
        passwd: passwd, passwdFile: "/\(masters.0)", group: group, groupFile: "/\(masters.1)")
    }
    var lines: [Sysusers.Line] = []
    for path in configurationFiles(in: "sysusers.d") {
      guard let bytes = self[path]?.bytes else { continue }
      lines += try Sysusers.parse(bytes, file: "/\(path)")
    }
    lines += groups.map { Self.line($0) }
    for user in users { lines += Self.lines(user) }
    try database.add(lines)

    putFile("etc/passwd", database.passwd)
    putFile("etc/group", database.group)
    putFile("etc/shadow", database.shadow, mode: 0o600)
    putFile("etc/gshadow", database.gshadow, mode: 0o600)
    return AccountNumbers(
      users: Dictionary(database.users.map { ($0.name, $0.uid) }) { first, _ in first },
      groups: Dictionary(database.groups.map { ($0.name, $0.gid) }) { first, _ in first })
  }

  /// The files of a configuration directory as systemd reads them: `/etc` before `/usr/lib` for the same name, in the
  /// order of their names.
  func configurationFiles(in directory: String, suffix: String = ".conf") -> [String] {
    var byName: [ExactString: String] = [:]
    for base in ["usr/lib/\(directory)", "etc/\(directory)"] {
      for path in paths(below: base) where Self.parent(of: path) == base && path.hasSuffix(suffix) {
        byName[ExactString(Self.name(of: path))] = path
      }
    }
    return byName.sorted { $0.key < $1.key }.map(\.value)
  }

  private static func line(_ group: Located<GroupEntry>) -> Sysusers.Line {
    Sysusers.Line(
      origin: "\(group.location)",
      request: .group(name: group.name, identifier: group.gid.map { .fixed($0) } ?? .automatic))
  }

  private static func lines(_ user: Located<UserEntry>) -> [Sysusers.Line] {
    let origin = "\(user.location)"
    let request = Sysusers.Request.user(
      name: user.name, identifier: user.uid.map { .fixed($0) } ?? .automatic,
      group: user.group.map { .name($0) } ?? .own, gecos: user.value.description, home: user.home,
      isExpired: false)
    return [Sysusers.Line(origin: origin, request: request)]
      + user.groups.map { Sysusers.Line(origin: origin, request: .member(user: user.name, group: $0)) }
  }
}
