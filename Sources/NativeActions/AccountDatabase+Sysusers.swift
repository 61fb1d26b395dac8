extension AccountDatabase {
  /// Debian's range for system accounts that are made when a package is installed (Policy, 9.2.2).
  package static let defaultRange: ClosedRange<UInt32> = 100...999

  /// Adds what the lines ask for, as systemd-sysusers would, and in its order, so that the same lines always give the
  /// same numbers: groups as declared, then users; then groups and users that only member lines name. A number is
  /// taken, in this order: the fixed one; that of the group or user of the same name; the highest free one, each time
  /// below the last one taken from the range.
  ///
  /// `conflict`, naming both places, where lines or the start set exclude each other: systemd would warn, take another
  /// number and go on. `missing` for a group that no one declares, `exhausted` when the range is used up.
  package mutating func add(_ lines: [Sysusers.Line]) throws(NativeActionError) {
    var requests = try AccountRequests(lines)
    requests.addImplied()
    var numbering = AccountNumbering(database: self, ranges: requests.ranges)
    for group in requests.groups {
      try numbering.addGroup(named: group.name, group.identifier, preferring: nil, origin: group.origin)
    }
    for user in requests.users { try numbering.addUser(user) }
    self = numbering.database
    for (group, members) in requests.members {
      guard let index = groups.firstIndex(where: { $0.name == group }) else { continue }
      groups[index].members = Set(groups[index].members + members).sortedBytewise()
    }
  }
}
