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

/// Lines merged by name.
private struct AccountRequests {
  struct Group {
    let name: String
    var identifier: Sysusers.Identifier
    let origin: String
  }

  struct User {
    let name: String
    var identifier: Sysusers.Identifier
    var group: Sysusers.PrimaryGroup
    var gecos: String
    var home: String?
    var isExpired: Bool
    let origin: String
  }

  private(set) var groups: [Group] = []
  private(set) var users: [User] = []
  private(set) var members: [(group: String, members: [String])] = []
  private(set) var ranges: [ClosedRange<UInt32>] = []
  private var groupIndexes: [String: Int] = [:]
  private var userIndexes: [String: Int] = [:]
  private var memberIndexes: [String: Int] = [:]
  private var memberOrigins: [String: String] = [:]

  init(_ lines: [Sysusers.Line]) throws(NativeActionError) {
    for line in lines {
      switch line.request {
      case .group(let name, let identifier):
        try merge(Group(name: name, identifier: identifier, origin: line.origin))
      case .user(let name, let identifier, let group, let gecos, let home, let isExpired):
        try merge(
          User(
            name: name, identifier: identifier, group: group, gecos: gecos, home: home, isExpired: isExpired,
            origin: line.origin))
      case .member(let user, let group):
        let index = memberIndexes[group] ?? members.count
        if index == members.count { members.append((group, [])) }
        memberIndexes[group] = index
        members[index].members.append(user)
        memberOrigins[group] = memberOrigins[group] ?? line.origin
      case .range(let range):
        ranges.append(range)
      }
    }
    if ranges.isEmpty { ranges = [AccountDatabase.defaultRange] }
  }

  /// Member lines make what they name.
  mutating func addImplied() {
    for (group, members) in members {
      let origin = memberOrigins[group] ?? group
      if groupIndexes[group] == nil {
        groupIndexes[group] = groups.count
        groups.append(Group(name: group, identifier: .automatic, origin: origin))
      }
      for name in members where userIndexes[name] == nil {
        userIndexes[name] = users.count
        users.append(
          User(
            name: name, identifier: .automatic, group: .own, gecos: "", home: nil, isExpired: false,
            origin: origin))
      }
    }
  }

  private mutating func merge(_ group: Group) throws(NativeActionError) {
    guard let index = groupIndexes[group.name] else {
      groupIndexes[group.name] = groups.count
      return groups.append(group)
    }
    groups[index].identifier = try merge(
      groups[index].identifier, group.identifier, "the group \(group.name)", groups[index].origin,
      group.origin)
  }

  private mutating func merge(_ user: User) throws(NativeActionError) {
    guard let index = userIndexes[user.name] else {
      userIndexes[user.name] = users.count
      return users.append(user)
    }
    let other = users[index]
    let what = "the user \(user.name)"
    users[index].identifier = try merge(other.identifier, user.identifier, what, other.origin, user.origin)
    if other.group == .own {
      users[index].group = user.group
    } else if user.group != .own, user.group != other.group {
      throw Self.conflict("\(what) has another primary group", other.origin, user.origin)
    }
    if let home = user.home, let otherHome = other.home, home != otherHome {
      throw Self.conflict("\(what) has another home directory", other.origin, user.origin)
    }
    users[index].home = other.home ?? user.home
    if other.gecos.isEmpty { users[index].gecos = user.gecos }
    users[index].isExpired = other.isExpired || user.isExpired
  }

  private func merge(
    _ first: Sysusers.Identifier, _ second: Sysusers.Identifier, _ what: String, _ origin: String,
    _ other: String
  ) throws(NativeActionError) -> Sysusers.Identifier {
    switch (first, second) {
    case (.fixed(let left), .fixed(let right)) where left != right:
      throw Self.conflict("\(what) has the number \(left) there and \(right) here", origin, other)
    case (.automatic, _): return second
    default: return first
    }
  }

  private static func conflict(_ message: String, _ first: String, _ second: String) -> NativeActionError {
    NativeActionError(.conflict, at: second, "\(message), against \(first); make them agree")
  }
}

/// Hands out numbers.
private struct AccountNumbering {
  private(set) var database: AccountDatabase
  private let candidates: [ClosedRange<UInt32>]
  /// Numbers below this one have not been tried; one cursor serves users and groups, as in systemd.
  private var cursor: UInt32?
  private var usersByNumber: [UInt32: AccountDatabase.User]
  private var groupsByNumber: [UInt32: AccountDatabase.Group]
  private var usersByName: [String: AccountDatabase.User]
  private var groupsByName: [String: AccountDatabase.Group]

  init(database: AccountDatabase, ranges: [ClosedRange<UInt32>]) {
    self.database = database
    candidates = ranges.sorted { $0.upperBound > $1.upperBound }
    usersByNumber = Dictionary(database.users.map { ($0.uid, $0) }) { first, _ in first }
    groupsByNumber = Dictionary(database.groups.map { ($0.gid, $0) }) { first, _ in first }
    usersByName = Dictionary(database.users.map { ($0.name, $0) }) { first, _ in first }
    groupsByName = Dictionary(database.groups.map { ($0.name, $0) }) { first, _ in first }
  }

  /// Makes a group, or finds the one that is there, and returns its number.
  @discardableResult
  mutating func addGroup(
    named name: String, _ identifier: Sysusers.Identifier, preferring number: UInt32?, origin: String
  ) throws(NativeActionError) -> UInt32 {
    if let existing = groupsByName[name] {
      if case .fixed(let gid) = identifier, gid != existing.gid {
        throw conflict("the group \(name) is to be \(gid), but is \(existing.gid)", existing.origin, origin)
      }
      return existing.gid
    }
    let gid: UInt32
    if case .fixed(let fixed) = identifier {
      if let other = groupsByNumber[fixed] {
        throw conflict(
          "the number \(fixed) of the group \(name) is that of \(other.name)", other.origin, origin)
      }
      gid = fixed
    } else if let number, isFree(number, for: name) {
      gid = number
    } else {
      gid = try nextFree(for: name, origin)
    }
    let group = AccountDatabase.Group(name: name, gid: gid, members: [], origin: origin)
    groupsByNumber[gid] = group
    groupsByName[name] = group
    database.groups.append(group)
    return gid
  }

  mutating func addUser(_ request: AccountRequests.User) throws(NativeActionError) {
    let (name, origin) = (request.name, request.origin)
    if let existing = usersByName[name] {
      if case .fixed(let uid) = request.identifier, uid != existing.uid {
        throw conflict("the user \(name) is to be \(uid), but is \(existing.uid)", existing.origin, origin)
      }
      return
    }
    var fixed: UInt32?
    if case .fixed(let uid) = request.identifier {
      if let other = usersByNumber[uid] {
        throw conflict("the number \(uid) of the user \(name) is that of \(other.name)", other.origin, origin)
      }
      fixed = uid
    }
    let gid = try primaryGroup(request, fixed)
    let uid: UInt32
    if let fixed {
      uid = fixed
    } else if isFree(gid, for: name) {
      uid = gid
    } else {
      uid = try nextFree(for: name, origin)
    }
    let user = AccountDatabase.User(
      name: name, uid: uid, gid: gid, gecos: request.gecos, home: request.home ?? "/",
      isExpired: request.isExpired,
      origin: origin)
    usersByNumber[uid] = user
    usersByName[name] = user
    database.users.append(user)
  }

  private mutating func primaryGroup(
    _ request: AccountRequests.User, _ uid: UInt32?
  ) throws(NativeActionError) -> UInt32 {
    switch request.group {
    case .own:
      return try addGroup(named: request.name, .automatic, preferring: uid, origin: request.origin)
    case .identifier(let gid):
      guard groupsByNumber[gid] != nil else {
        throw NativeActionError(
          .missing, at: request.origin,
          "the user \(request.name) has the primary group \(gid), which does not exist; declare it with a g line"
        )
      }
      return gid
    case .name(let name):
      guard let group = groupsByName[name] else {
        throw NativeActionError(
          .missing, at: request.origin,
          "the user \(request.name) has the primary group \(name), which does not exist; declare it with a g line"
        )
      }
      return group.gid
    }
  }

  /// Whether no user and no group of another name has the number. The account itself cannot have it: existing ones
  /// never come this far.
  private func isFree(_ number: UInt32, for name: String) -> Bool {
    let owners = [usersByNumber[number]?.name, groupsByNumber[number]?.name]
    return owners.allSatisfy { $0 == nil || $0 == name }
  }

  private mutating func nextFree(for name: String, _ origin: String) throws(NativeActionError) -> UInt32 {
    for range in candidates {
      var number = min(range.upperBound, cursor ?? range.upperBound)
      while number >= range.lowerBound, number > 0 {
        let candidate = number
        number -= 1
        cursor = number
        if isFree(candidate, for: name) { return candidate }
      }
    }
    throw NativeActionError(
      .exhausted, at: origin, "no number is left for \(name); widen the range with an r line")
  }

  private func conflict(_ message: String, _ first: String, _ second: String) -> NativeActionError {
    NativeActionError(.conflict, at: second, "\(message), declared in \(first); make them agree")
  }
}
