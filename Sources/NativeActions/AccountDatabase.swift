/// The accounts of an image: what ends up in `/etc/passwd`, `group`, `shadow` and `gshadow`.
///
/// Nobody logs in: every password field is locked, every shell is nologin, and there is no way to give a hash.
package struct AccountDatabase: Sendable {
  /// A user, as passwd(5) has it.
  package struct User: Equatable, Sendable {
    /// The login name, which satisfies systemd's strict rule.
    package let name: String
    /// The user's number.
    package let uid: UInt32
    /// The number of the primary group.
    package let gid: UInt32
    /// The comment field; it may be empty.
    package let gecos: String
    /// The home directory.
    package let home: String
    /// Whether shadow(5) gives an expiry date in 1970 as well.
    package let isExpired: Bool
    /// Where it was declared.
    package let origin: String
  }

  /// A group, as group(5) has it.
  package struct Group: Equatable, Sendable {
    /// The group's name.
    package let name: String
    /// The group's number.
    package let gid: UInt32
    /// Names of users who have it as a further group, sorted.
    package internal(set) var members: [String]
    /// Where it was declared.
    package let origin: String
  }

  /// In file order: those of the start set, then new ones as they were numbered.
  package internal(set) var users: [User] = []
  /// In file order, as users.
  package internal(set) var groups: [Group] = []

  /// What every program takes for granted; Debian's `base-passwd` brings its own, longer list.
  package static let minimal = AccountDatabase(
    users: [
      User(name: "root", uid: 0, gid: 0, gecos: "root", home: "/root", isExpired: false, origin: "built in"),
      User(
        name: "nobody", uid: 65534, gid: 65534, gecos: "nobody", home: "/nonexistent", isExpired: true,
        origin: "built in"),
    ],
    groups: [("root", 0), ("tty", 5), ("nogroup", 65534)].map {
      Group(name: $0.0, gid: $0.1, members: [], origin: "built in")
    })

  private init(users: [User], groups: [Group]) {
    self.users = users
    self.groups = groups
  }

  /// The user of that name.
  package func user(named name: String) -> User? { users.first { $0.name == name } }

  /// The group of that name.
  package func group(named name: String) -> Group? { groups.first { $0.name == name } }
}

extension AccountDatabase {
  /// Reads a start set in the formats of passwd(5) and group(5), such as `base-passwd`'s master files. Password and
  /// shell fields are dropped. `malformed` names the line; `conflict` for a name or a number given twice.
  package init(
    passwd: [UInt8], passwdFile: String, group: [UInt8], groupFile: String
  ) throws(NativeActionError) {
    for (fields, origin) in try Self.records(group, file: groupFile, count: 4) {
      let members = fields[3].split(separator: ",").map(String.init)
      guard members.allSatisfy(AccountName.isValid) else {
        throw NativeActionError(.malformed, at: origin, "a member of the group is no account name")
      }
      groups.append(
        Group(
          name: fields[0], gid: try Self.number(fields[2], origin), members: Set(members).sortedBytewise(),
          origin: origin))
    }
    for (fields, origin) in try Self.records(passwd, file: passwdFile, count: 7) {
      users.append(
        User(
          name: fields[0], uid: try Self.number(fields[2], origin), gid: try Self.number(fields[3], origin),
          gecos: fields[4], home: fields[5], isExpired: false, origin: origin))
    }
    try Self.demandUnique(groups.map { ($0.name, $0.gid, $0.origin) }, "group")
    try Self.demandUnique(users.map { ($0.name, $0.uid, $0.origin) }, "user")
  }

  private static func records(
    _ bytes: [UInt8], file: String, count: Int
  ) throws(NativeActionError) -> [(fields: [String], origin: String)] {
    var records: [(fields: [String], origin: String)] = []
    for line in try TextLines(bytes, file: file).lines where !line.bytes.isEmpty {
      let origin = "\(file):\(line.number)"
      let fields = line.bytes.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map(
        \.text)
      guard fields.count == count, AccountName.isValid(fields[0]), line.bytes.allSatisfy({ $0 >= 0x20 })
      else {
        throw NativeActionError(
          .malformed, at: origin, "not an account: \(count) fields with a name first are due")
      }
      records.append((fields, origin))
    }
    return records
  }

  private static func number(_ text: String, _ origin: String) throws(NativeActionError) -> UInt32 {
    guard let value = UInt32(text), value != 65535, value < 1 << 31 else {
      throw NativeActionError(.malformed, at: origin, "“\(text)” is no user or group number")
    }
    return value
  }

  private static func demandUnique(
    _ accounts: [(name: String, number: UInt32, origin: String)], _ kind: String
  ) throws(NativeActionError) {
    var names: [String: String] = [:]
    var numbers: [UInt32: String] = [:]
    for (name, number, origin) in accounts {
      if let other = names.updateValue(origin, forKey: name) ?? numbers.updateValue(origin, forKey: number) {
        throw NativeActionError(
          .conflict, at: origin, "the \(kind) \(name) (\(number)) is given in \(other) already; drop one")
      }
    }
  }
}
