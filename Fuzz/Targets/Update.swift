internal import Bytes
internal import Signing
@testable internal import UpdateFramework

extension FuzzTarget {
  static let updateTargets = [
    FuzzTarget("tuf-root", maximumLength: 8192, seeds: { ["signed": try root().bytes] }) { bytes in
      let metadata = try Metadata<RootRole>(bytes, role: "root", limit: 1 << 16)
      try check(metadata)
      let set = try TrustedSet(root: bytes, startTime: UpdateTime(seconds: 0), limits: UpdateLimits())
      require(set.root.signedBytes == metadata.signedBytes, "a trusted root is the one that was read")
    },
    FuzzTarget(
      "tuf-targets", maximumLength: 8192, seeds: { ["delegations": targets.bytes, "bins": bins.bytes] }
    ) { bytes in
      let metadata = try Metadata<TargetsRole>(bytes, role: "targets", limit: 1 << 16)
      try check(metadata)
      for path in ["a/b", "", "x"] {
        for (name, _) in metadata.signed.delegations?.roles(for: path) ?? [] {
          require(metadata.signed.delegations?.roleKeys(of: name) != nil, "a role that is found has keys")
        }
      }
    },
    FuzzTarget("tuf-snapshot", seeds: { ["two": snapshot.bytes, "timestamp": timestamp.bytes] }) { bytes in
      if let metadata = try? Metadata<TimestampRole>(bytes, role: "timestamp", limit: 1 << 16) {
        try check(metadata)
      } else {
        try check(Metadata<SnapshotRole>(bytes, role: "snapshot", limit: 1 << 16))
      }
    },
    FuzzTarget("tuf-proposal", seeds: { ["one": Proposal(reason: "why", targets: ["a": targets]).bytes] }) {
      bytes in
      let proposal = try Proposal(bytes, source: "fuzz")
      try require(
        Proposal(proposal.bytes, source: "fuzz").bytes == proposal.bytes, "a proposal survives encoding")
      require(!proposal.isComplete(in: nil) || proposal.roles.isEmpty, "nobody has signed for a made-up key")
    },
    FuzzTarget(
      "canonical-json", seeds: { ["all": Array(#"{"b":[1,-2,"é\u00e9\"\\",true,null],"a":{}}"#.utf8)] }
    ) { bytes in
      let value = try JSONParser.parse(bytes, maximumSize: 1 << 16)
      let canonical = try CanonicalJSON.bytes(of: value)
      // The form is not always JSON: it does not escape control characters. Where it is, it is its own form.
      guard !canonical.contains(where: { $0 < 0x20 }) else { return }
      let again = try CanonicalJSON.bytes(of: JSONParser.parse(canonical, maximumSize: 1 << 18))
      require(again == canonical, "the canonical form is a fixed point")
    },
    FuzzTarget("path-pattern", maximumLength: 512, seeds: { ["two": Array("a/*.t?z\na/x.tgz".utf8)] }) {
      bytes in
      let lines = bytes.split(separator: 0x0A, maxSplits: 1, omittingEmptySubsequences: false)
        .map { String(decoding: $0, as: UTF8.self) }
      guard lines.count == 2 else { return }
      let path = lines[1].slashSeparated(omittingEmpty: false)
      let role = DelegatedRole(name: "r", keys: RoleKeys(keyIDs: [], threshold: 1), scope: .paths([lines[0]]))
      require(
        PathPattern(lines[0]).matches(path) == !Delegations(roles: .listed([role])).roles(for: lines[1])
          .isEmpty,
        "the index finds what the pattern matches")
    },
    FuzzTarget("update-time", maximumLength: 64, seeds: { ["time": Array("2030-01-01T00:00:00Z".utf8)] }) {
      bytes in
      let text = String(decoding: bytes, as: UTF8.self)
      if let time = UpdateTime(text) { require(time.description == text, "a time survives writing") }
    },
  ]

  /// What was read is written so that it is read again as the same.
  private static func check<Content: RoleContent>(_ metadata: Metadata<Content>) throws {
    let again = try Content(json: metadata.signed.json)
    require(again == metadata.signed, "content survives writing")
    var signed = metadata
    signed.add(MetadataSignature(keyID: "fuzz", text: "00"))
    let reread = try Metadata<Content>(signed.bytes, role: "fuzz", limit: 1 << 20)
    require(reread.signedBytes == metadata.signedBytes, "a signature changes nothing that is signed")
  }

  private static let header = RoleHeader(version: 1, expires: UpdateTime(seconds: 2_000_000_000))
  private static let keys = RoleKeys(keyIDs: ["k"], threshold: 1, people: ["k": "ada"], lifetime: 60)

  private static let targets = content(
    TargetsRole(
      header: header,
      targets: ["a/b": TargetFile(length: 1, digests: ContentDigests(sha256: SHA256.digest(of: [1])))],
      delegations: Delegations(
        keys: [
          "k": VerificationKey(
            type: "ed25519", scheme: "ed25519", material: String(repeating: "0", count: 64))
        ],
        roles: .listed([
          DelegatedRole(name: "r", keys: keys, scope: .paths(["a/*"]), isTerminating: true),
          DelegatedRole(name: "s", keys: keys, scope: .hashPrefixes(["0f"])),
        ]))))
  private static let bins = content(
    TargetsRole(
      header: header,
      delegations: Delegations(roles: .bins(SuccinctRoles(keys: keys, bitLength: 8, namePrefix: "b")))))
  private static let snapshot = content(
    SnapshotRole(
      header: header,
      files: ["targets.json": MetadataFile(version: 1), "r.json": MetadataFile(version: 2, length: 3)]))
  private static let timestamp = content(TimestampRole(header: header, snapshot: MetadataFile(version: 1)))

  private static func content<Content: RoleContent>(_ content: Content) -> Metadata<Content> {
    guard let metadata = try? Metadata(content) else { preconditionFailure("samples can be signed") }
    return metadata
  }

  private static func root() throws -> Metadata<RootRole> {
    let key = try PrivateKey.generate(.ed25519)
    let role = RoleKeys(keyIDs: [ExactString(key.keyID)], threshold: 1)
    var root = RootRole(header: header, keys: [ExactString(key.keyID): key.key], roles: [:])
    for name in RootRole.roleNames { root.roles[name] = role }
    var metadata = try Metadata(root)
    metadata.add(
      MetadataSignature(
        keyID: ExactString(key.keyID), text: Hex.encode(try key.signature(over: metadata.signedBytes))))
    return metadata
  }
}
