package import Bytes
internal import Signing

/// Judges metadata that are current no more. A version counts if those have signed it who were to sign it then, and who that was
/// is believed only of metadata that count themselves: what is trusted today vouches for what came before, step by step.
package struct PastMetadata: Sendable {
  /// What became of a version.
  package struct Verdict: Sendable, Hashable {
    /// Whether it is the version that it should be, and the threshold of one delegation has signed it.
    package let isSigned: Bool
    /// The keys whose signatures are right, by the delegation that is met, or else by any.
    package let keyIDs: [ExactString]

    package init(isSigned: Bool, keyIDs: [ExactString]) {
      self.isSigned = isSigned
      self.keyIDs = keyIDs
    }
  }

  /// Today's first.
  private var roots: [RootRole]
  private var delegations: [Delegations]
  private let limits: UpdateLimits

  /// - Parameters:
  ///   - root: The root of today.
  ///   - targets: The top-level targets of today.
  package init(root: RootRole, targets: TargetsRole?, limits: UpdateLimits = UpdateLimits()) {
    roots = [root]
    delegations = targets?.delegations.map { [$0] } ?? []
    self.limits = limits
  }

  /// Takes an earlier root; the newest first. One that the keys of no later root have signed is not taken.
  package mutating func add(root bytes: [UInt8], version: Int) {
    guard let metadata = try? Metadata<RootRole>(bytes, role: "root", limit: limits.rootLength),
      metadata.signed.header.version == version, isSigned(metadata, "root")
    else { return }
    roots.append(metadata.signed)
  }

  /// Takes an earlier version of the top-level targets, after the roots; one that is not signed is not taken.
  package mutating func add(targets bytes: [UInt8], version: Int) {
    guard let metadata = try? Metadata<TargetsRole>(bytes, role: "targets", limit: limits.targetsLength),
      metadata.signed.header.version == version, isSigned(metadata, "targets"),
      let found = metadata.signed.delegations
    else { return }
    delegations.append(found)
  }

  /// Whether a version of a delegated role counts.
  package func verdict(on metadata: Metadata<TargetsRole>, of role: ExactString, version: Int) -> Verdict {
    var seen: Set<ExactString> = []
    for delegation in delegations {
      guard let keys = delegation.roleKeys(of: role) else { continue }
      let tally = metadata.tally(keys, keys: delegation.keys)
      if tally.isMet, metadata.signed.header.version == version {
        return Verdict(isSigned: true, keyIDs: tally.keyIDs)
      }
      seen.formUnion(tally.keyIDs)
    }
    return Verdict(isSigned: false, keyIDs: seen.sorted())
  }

  /// A snapshot that counts, and when it was signed; `nil` for any other.
  package func snapshot(_ bytes: [UInt8], version: Int) -> (content: SnapshotRole, time: UpdateTime)? {
    guard let metadata = try? Metadata<SnapshotRole>(bytes, role: "snapshot", limit: limits.snapshotLength),
      metadata.signed.header.version == version, isSigned(metadata, "snapshot")
    else { return nil }
    let header = metadata.signed.header
    // Without a word about it: as late as it can have been.
    let lifetime =
      roots.compactMap { $0.roles["snapshot"]?.lifetime }.min()
      ?? RepositoryDraft.defaultLifetimes["snapshot"] ?? 0
    return (metadata.signed, header.time ?? header.expires.advanced(by: -lifetime))
  }

  private func isSigned<Content>(_ metadata: Metadata<Content>, _ role: ExactString) -> Bool {
    roots.contains { root in
      root.roles[role].map { metadata.tally($0, keys: root.keys).isMet } ?? false
    }
  }
}

extension RoleHeader {
  static let timeMember = "x-time"

  /// When a snapshot was signed: `x-time`, which the specification does not define.
  package var time: UpdateTime? {
    get { unknown.first { $0.name == Self.timeMember }?.value.text.flatMap { UpdateTime($0) } }
    set {
      unknown.removeAll { $0.name == Self.timeMember }
      if let newValue { unknown.append(JSONMember(Self.timeMember, .string(newValue.description))) }
    }
  }
}

extension RepositoryDirectory {
  /// Everything that can say who was to sign delegated roles in earlier times, as far as it is here and counts.
  /// - Throws: `localStorage`, `tooLarge`.
  package func past(
    of repository: Repository, limits: UpdateLimits = UpdateLimits()
  ) throws(UpdateError) -> PastMetadata {
    let targets = repository.targets["targets"]?.signed
    var past = PastMetadata(root: repository.root.signed, targets: targets, limits: limits)
    for version in (1..<repository.root.signed.header.version).reversed() {
      guard let bytes = try read("root", version: version, limit: limits.rootLength) else { continue }
      past.add(root: bytes, version: version)
    }
    for version in (1..<(targets?.header.version ?? 1)).reversed() {
      guard let bytes = try read("targets", version: version, limit: limits.targetsLength) else { continue }
      past.add(targets: bytes, version: version)
    }
    return past
  }

  /// The bytes of a snapshot as they lie there, not verified; `nil` if there are none.
  /// - Throws: `localStorage`, `tooLarge`.
  package func snapshot(
    version: Int, limits: UpdateLimits = UpdateLimits()
  ) throws(UpdateError) -> [UInt8]? {
    try read("snapshot", version: version, limit: limits.snapshotLength)
  }
}
