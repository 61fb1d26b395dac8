/// Hands out numbers.
struct AccountNumbering {
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
