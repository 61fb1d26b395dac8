internal import Bytes
internal import Signing
internal import UpdateFramework

/// Says what differs between what there is and what is proposed, in words that are safe on a terminal. Names of keys are
/// those that the repository has; what a proposal calls its keys is quoted as its own word.
struct ReviewWords {
  let proposal: Proposal
  let state: Repository?
  private let known: Set<ExactString>
  private let trustedNames: [ExactString: String]
  private let claimedNames: [ExactString: String]

  init(_ proposal: Proposal, _ state: Repository?) {
    self.proposal = proposal
    self.state = state
    var known = Set((state?.root.signed.keys ?? [:]).keys)
    for metadata in (state?.targets ?? [:]).values {
      known.formUnion((metadata.signed.delegations?.keys ?? [:]).keys)
    }
    self.known = known
    trustedNames = Self.names([
      state?.root.signed.header.unknown, state?.targets["targets"]?.signed.delegations?.unknown,
    ])
    claimedNames = Self.names([
      proposal.root?.signed.header.unknown, proposal.targets["targets"]?.signed.delegations?.unknown,
    ])
  }

  private static func names(_ sources: [[JSONMember]?]) -> [ExactString: String] {
    var names: [ExactString: String] = [:]
    for members in sources {
      let table = members?.first { $0.name == RepositoryPlan.namesMember }?.value
      for member in table?.members ?? [] where names[ExactString(member.name)] == nil {
        names[ExactString(member.name)] = member.value.text.map(Self.plain)
      }
    }
    return names
  }

  /// A key: `ada (0123456789abcdef)` if the repository has it; else its whole identifier.
  func holder(_ id: ExactString) -> String {
    if known.contains(id) { return "\(trustedNames[id] ?? "?") (\(Self.plain(String(id.text.prefix(16)))))" }
    return "the new key \(Self.plain(id.text))\(claim(id))"
  }

  /// The same, where many stand in a row.
  func short(_ id: ExactString) -> String {
    let start = Self.plain(String(id.text.prefix(16)))
    return known.contains(id) ? trustedNames[id] ?? start : "the new key \(start)\(claim(id))"
  }

  private func claim(_ id: ExactString) -> String {
    claimedNames[id].map { ", which the proposal calls \"\($0)\"" } ?? ""
  }

  // MARK: Any JSON

  /// Text from outside: without control characters, and if it is long, with a digest of the whole, since ends may differ.
  static func plain(_ text: String) -> String {
    let limit = 300
    let shown = UpdateError.printable(text, limit: limit)
    guard text.unicodeScalars.count > limit else { return shown }
    return "\(shown) (sha256:\(SHA256.digest(of: Array(text.utf8)).hex))"
  }

  /// Whether two values are the same, byte for byte in their canonical form.
  static func same(_ old: JSONValue?, _ new: JSONValue?) -> Bool {
    old.map { ExactString($0.canonical) } == new.map { ExactString($0.canonical) }
  }

  /// The names of all members of two objects, sorted.
  static func names(_ old: JSONValue?, _ new: JSONValue?) -> [String] {
    let all = Set(((old?.members ?? []) + (new?.members ?? [])).map { ExactString($0.name) })
    return all.sorted().map(\.text)
  }

  /// A value in one line.
  func describe(_ value: JSONValue?) -> String {
    switch value {
    case nil: return "none"
    case .string(let text): return "\"\(Self.plain(text))\""
    case .array(let elements):
      return elements.isEmpty ? "nothing" : "[\(elements.map { describe($0) }.joined(separator: ", "))]"
    case .object(let members):
      return "{\(members.map { "\(Self.plain($0.name)): \(describe($0.value))" }.joined(separator: ", "))}"
    case let value?: return Self.plain(value.canonical)
    }
  }

  /// Every difference of two values, one line each; none if they are the same.
  func differences(_ place: String, _ old: JSONValue?, _ new: JSONValue?) -> [String] {
    if Self.same(old, new) { return [] }
    let place = Self.plain(place)
    if old?.members != nil, new?.members != nil {
      return Self.names(old, new).flatMap { differences("\(place).\($0)", old?[$0], new?[$0]) }
    }
    return ["\(place): \(describe(old)) → \(describe(new))"]
  }
}
