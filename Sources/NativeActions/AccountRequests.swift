/// Lines merged by name.
struct AccountRequests {
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
