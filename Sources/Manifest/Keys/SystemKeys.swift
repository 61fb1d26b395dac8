/// The keys of `users`, `groups`, `units`, `sysctls`, `alternatives` and `exceptions`.
enum SystemKeys {
  static let userName = Key("name", .text(.account), "The account's name.", example: "frr", required: true)
  static let uid = Key(
    "uid", .accountID, "The user id; the builder chooses one if it is missing.", example: "101")
  static let primaryGroup = Key(
    "group", .text(.account), "The primary group; one of the user's own name if it is missing.",
    example: "frr")
  static let supplementaryGroups = Key(
    "groups", .values(of: .text(.account)), "Further groups.", example: "[frrvty]")
  static let home = Key(
    "home", .text(.pathOrRoot), "The home directory.", example: "/nonexistent", fallback: "/nonexistent")
  static let shell = Key(
    "shell", .text(.path), "The login shell.", example: "/usr/sbin/nologin", fallback: "/usr/sbin/nologin")
  static let userDescription = Key(
    "description", .text(.comment), "What the account is for.", example: "Routing daemons", fallback: "")
  static let groupName = Key("name", .text(.account), "The group's name.", example: "frrvty", required: true)
  static let gid = Key(
    "gid", .accountID, "The group id; the builder chooses one if it is missing.", example: "102")

  static let user = ValueType<UserEntry>.object(
    "User", "A user account; it has no password and cannot log in.",
    keys: [userName, uid, primaryGroup, supplementaryGroups, home, shell, userDescription]
  ) { fields, _ in
    guard let name = fields[userName], let home = fields[home], let shell = fields[shell] else { return nil }
    return UserEntry(
      name: name, uid: fields[uid], group: fields[primaryGroup], groups: fields[supplementaryGroups] ?? [],
      home: home, shell: shell, description: fields[userDescription] ?? "")
  }

  static let group = ValueType<GroupEntry>.object("Group", "A group.", keys: [groupName, gid]) { fields, _ in
    fields[groupName].map { GroupEntry(name: $0, gid: fields[gid]) }
  }

  static let enable = Key(
    "enable", .list(of: .text(.unit)), "Units to enable, as systemctl enable would.", example: "[frr.service]"
  )
  static let mask = Key(
    "mask", .list(of: .text(.unit)), "Units that can never start.", example: "[apt-daily.timer]")

  /// Units to enable, and units to mask.
  typealias Units = (enable: [Located<String>], mask: [Located<String>])

  static let units = ValueType<Units>.object("Units", "What systemd starts.", keys: [enable, mask]) {
    fields, _ in
    (fields[enable] ?? [], fields[mask] ?? [])
  }

  static let sysctls = ValueType<[Located<Sysctl>]>.map(key: .sysctl, value: .scalar(.sysctlValue)).map {
    entries, _, _ in
    entries.map { entry in entry.map { Sysctl(name: $0.key, value: $0.value) } }
  }

  static let alternativeName = Key(
    "name", .text(.alternative), "The alternative's name.", example: "editor", required: true)
  static let alternativePath = Key(
    "path", .text(.path), "What it leads to.", example: "/usr/bin/vim.tiny", required: true)

  static let alternative = ValueType<AlternativeChoice>.object(
    "Alternative", "A choice between alternatives, instead of the one with the highest priority.",
    keys: [alternativeName, alternativePath]
  ) { fields, _ in
    guard let name = fields[alternativeName], let path = fields[alternativePath] else { return nil }
    return AlternativeChoice(name: name, path: path)
  }

  static let rule = Key("rule", .text(.rule), "The check's name.", example: "setuid", required: true)
  static let exceptionPath = Key(
    "path", .text(.path), "The path that the check is about, or a pattern of paths (docs/checks.md).",
    example: "/usr/bin/su", required: true)
  static let exceptionReason = Key(
    "reason", .reason, "Why it is acceptable.", example: #""the recovery console needs it""#, required: true)

  static let exception = ValueType<RuleException>.object(
    "Exception", "A finding of the build's checks that is accepted.",
    keys: [rule, exceptionPath, exceptionReason]
  ) { fields, _ in
    guard let rule = fields[rule], let path = fields[exceptionPath], let reason = fields[exceptionReason]
    else {
      return nil
    }
    return RuleException(rule: rule, path: path, reason: reason)
  }
}
