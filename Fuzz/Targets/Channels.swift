internal import Bytes
@testable internal import Channels
internal import Signing
@testable internal import UpdateFramework

extension FuzzTarget {
  /// What a repository says of channels and releases, and what operators write of it.
  static let channelTargets = [
    FuzzTarget("recipe", maximumLength: 2048, seeds: { ["three": Array("90\n".utf8) + recipe.bytes] }) {
      bytes in
      // The size that a release signs comes first.
      guard let end = bytes.firstIndex(of: 0x0A),
        let size = Int(String(decoding: bytes[..<end], as: UTF8.self)),
        let recipe = Recipe(Array(bytes[(end + 1)...]), size: size)
      else { return }
      require(Recipe(recipe.bytes, size: size) == recipe, "a recipe survives encoding")
      let total = recipe.parts.reduce(0) { total, part in
        switch part {
        case .literal(let bytes): total + bytes.count
        case .object(_, let size): total + size
        }
      }
      require(total == size, "the parts are as long as the file")
    },
    FuzzTarget(
      "recipe-make", maximumLength: 32768,
      seeds: { ["twice": [UInt8](repeating: 7, count: 10_000) + (0..<6000).map { UInt8($0 % 251) }] }
    ) { bytes in
      // A piece out of the middle, and the file around it.
      guard bytes.count > 3 * Recipe.leastObject else { return }
      let piece = Array(bytes[Recipe.leastObject..<(2 * Recipe.leastObject + Int(bytes[0]))])
      let name = SHA256.digest(of: piece).hex
      var pieces = Recipe.Pieces()
      pieces.add(name, piece)
      guard let (recipe, between) = Recipe.make(for: bytes, from: pieces) else {
        fatalError("the piece lies at a fourth byte")
      }
      var pantry = [name: piece]
      for piece in between { pantry[piece.digest] = piece.bytes }
      let baked = recipe.parts.flatMap { part in
        switch part {
        case .literal(let bytes): bytes
        case .object(let digest, _): pantry[digest] ?? []
        }
      }
      require(baked == bytes, "what was taken apart comes together")
      require(Recipe(recipe.bytes, size: bytes.count) == recipe, "a recipe survives encoding")
    },
    FuzzTarget("channel-policy", seeds: { ["all": Array(delegation.utf8)] }) { bytes in
      let value = try JSONParser.parse(bytes, maximumSize: 1 << 16, maximumDepth: 32)
      var role = try DelegatedRole(value, at: "fuzz")
      guard let policy = try ChannelPolicy(role) else { return }
      role.keys.unknown = [policy.json]
      let again = try ChannelPolicy(role)
      require(Set(again?.attestations ?? []) == Set(policy.attestations), "attestations survive writing")
      require(
        again?.after == policy.after && again?.soakHours == policy.soakHours
          && again?.builtBy == policy.builtBy
          && again?.vulnerable == policy.vulnerable, "gates survive writing")
    },
    FuzzTarget("channel-entry", maximumLength: 1024, seeds: { ["rollback": Array(entry.utf8)] }) { bytes in
      let value = try JSONParser.parse(bytes, maximumSize: 1 << 16, maximumDepth: 32)
      var file = try TargetFile(value, at: "fuzz")
      let entry = try ChannelEntry(image: "router", file)
      file.custom = entry.custom
      try require(ChannelEntry(image: "router", file) == entry, "an entry survives writing")
    },
    FuzzTarget(
      "attestation",
      seeds: {
        [
          "lab": AttestationStatement.encode(
            "lab", of: digest, details: .object([JSONMember("n", .integer(7))]))
        ]
      }
    ) { bytes in
      guard AttestationStatement.isAbout(digest, name: "lab", bytes) else { return }
      require(!AttestationStatement.isAbout(digest, name: "other", bytes), "a statement has one name")
    },
    FuzzTarget("sbom", seeds: { ["two": Array(sbom.utf8)] }) { bytes in
      let listed = ["openssl < 3.5.1-1", "xz-utils = 5.6.0-1", "telnet"].compactMap { VulnerableVersion($0) }
      let found = try VulnerableVersion.found(in: bytes, listed: listed)
      try require(
        VulnerableVersion.found(in: bytes, listed: []).isEmpty, "nothing is found that is not listed")
      require(found.allSatisfy { !$0.isEmpty }, "what is found has a name")
    },
    FuzzTarget(
      "vulnerable", maximumLength: 256,
      seeds: { ["earlier": Array("openssl < 3.5.1-1".utf8), "any": Array("telnet".utf8)] }
    ) { bytes in
      guard let version = VulnerableVersion(String(decoding: bytes, as: UTF8.self)) else { return }
      require(VulnerableVersion(version.description) == version, "a bound survives writing")
      _ = version.holds("1:2.3-4")
    },
    FuzzTarget("repository", maximumLength: 8192, seeds: { ["sample": Array(repository.utf8)] }) { bytes in
      let plan = try RepositoryPlan(bytes, file: "fuzz", key: key(called:))
      let proposal = try plan.draft(over: nil, now: UpdateTime(seconds: 0)).proposal(reason: "fuzz")
      let review = try ProposalReview(Proposal(proposal.bytes, source: "fuzz"), in: nil)
      require(review.roles.count == proposal.roles.count, "a review names every role")
      require(!review.isComplete, "nobody has signed")
    },
    FuzzTarget(
      "proposal-review", maximumLength: 8192,
      seeds: {
        let plan = try RepositoryPlan(Array(repository.utf8), file: "fuzz", key: key(called:))
        return [
          "first": try plan.draft(over: nil, now: UpdateTime(seconds: 0)).proposal(reason: "fuzz").bytes
        ]
      }
    ) { bytes in
      let proposal = try Proposal(bytes, source: "fuzz")
      let review = try ProposalReview(proposal, in: nil)
      require(!review.isComplete || proposal.roles.isEmpty, "nobody has signed for a made-up key")
    },
  ]

  private static let digest = String(repeating: "0f", count: 32)
  private static let key = String(repeating: "0a", count: 32)

  /// A key of its own for each name.
  private static func key(called name: String) throws -> PublicKey {
    try PublicKey(bytes: SHA256.digest(of: Array(name.utf8)).bytes, name: "fuzz")
  }

  private static let recipe = Recipe(parts: [
    .literal([1, 2, 3]), .object(digest, 80), .literal([4, 5, 6, 7, 8, 9, 10]),
  ])

  private static let delegation = """
    {"keyids": ["k"], "threshold": 1, "name": "channel-prod", "paths": ["channels/prod/*"], "terminating": true, \
    "x-channel": {"after": "staging", "soak_hours": 24, "attestations": {"lab": {"keys": ["\(key)"], "threshold": 1}}, \
    "built_by": {"keys": ["\(key)"], "threshold": 1}, "vulnerable": ["openssl < 3.5.1-1", "telnet"]}}
    """

  private static let entry = """
    {"length": 1, "hashes": {"sha256": "\(digest)"}, "custom": {"version": "1.0", "reason": "it flaps", \
    "time": "2030-01-01T00:00:00Z", "rollback_from": "1.1"}}
    """

  private static let sbom = """
    {"packages": [{"name": "libssl3t64", "versionInfo": "3.5.0-2", \
    "sourceInfo": "built from the Debian source package openssl 3.5.0-2"}, {"name": "telnet"}]}
    """

  private static let repository = """
    kind: Repository
    people: {ada: [ada-laptop, ada-token], ci: ci}
    roles:
      root: {signers: [ada], count: people, days: 365}
      targets: {signers: [ada]}
      releases: {signers: [ci], days: 90}
      snapshot: {signers: [ci], days: 7}
      timestamp: {signers: [ci], days: 1}
    channels:
      dev: {signers: [ci]}
      prod: {signers: [ada], after: dev, soakHours: 24, builtBy: ci, attestations: {lab: ada}, vulnerable: ["telnet"]}

    """
}
