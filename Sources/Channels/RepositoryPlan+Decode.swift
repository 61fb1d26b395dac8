internal import Manifest
package import Signing

extension RepositoryPlan {
  /// Reads a manifest.
  /// - Parameter keys: Finds a key by what the manifest calls it.
  /// - Throws: ``ManifestError`` with everything that is wrong, or what `keys` throws.
  package init(_ bytes: [UInt8], file: String, key: (String) throws -> PublicKey) throws {
    let node = try YAMLDocument.parse(bytes, file: file)
    var reader = PlanReader(people: [:])
    try reader.check(node, allows: ["apiVersion", "kind", "people", "roles", "channels"])
    guard node.entry("kind")?.value.text == "Repository" else {
      throw PlanReader.problem(
        .badValue, node.location, "this is no manifest of a repository", "begin with kind: Repository")
    }
    if let version = node.entry("apiVersion")?.value, version.text != "netimg/v1" {
      throw PlanReader.problem(
        .badValue, version.location, "\(version.summary) is no version of this format", "write netimg/v1")
    }
    try reader.readPeople(try reader.entry(node, "people"), find: key)
    let roles = try reader.entry(node, "roles")
    try reader.check(roles, allows: ["root", "targets", "releases", "snapshot", "timestamp"])
    root = try reader.role(try reader.entry(roles, "root"))
    targets = try reader.role(try reader.entry(roles, "targets"))
    releases = try reader.role(try reader.entry(roles, "releases"))
    snapshot = try reader.role(try reader.entry(roles, "snapshot"))
    timestamp = try reader.role(try reader.entry(roles, "timestamp"))
    channels = try reader.channels(try reader.entry(node, "channels"))
  }
}

private struct PlanReader {
  var people: [String: [PublicKey]]

  static func problem(
    _ code: ManifestError.Code, _ location: SourceLocation, _ message: String, _ suggestion: String
  ) -> ManifestError {
    ManifestError(ManifestError.Problem(code, at: location, message, suggestion: suggestion))
  }

  func check(_ node: YAMLNode, allows keys: [String]) throws {
    guard case .mapping(let entries) = node.content else {
      throw Self.problem(
        .wrongType, node.location, "\(node.summary) stands where a mapping belongs", "write KEY: VALUE")
    }
    for entry in entries where !keys.contains(entry.key) {
      throw Self.problem(
        .unknownKey, entry.keyLocation, "\"\(entry.key)\" is no key here",
        "use \(keys.joined(separator: ", "))")
    }
  }

  func entry(_ node: YAMLNode, _ key: String) throws -> YAMLNode {
    guard let entry = node.entry(key) else {
      throw Self.problem(.missingKey, node.location, "\"\(key)\" is missing", "add it")
    }
    return entry.value
  }

  private func entries(_ node: YAMLNode) throws -> [YAMLEntry] {
    guard case .mapping(let entries) = node.content else {
      throw Self.problem(
        .wrongType, node.location, "\(node.summary) stands where a mapping belongs", "write KEY: VALUE")
    }
    return entries
  }

  private func texts(_ node: YAMLNode) throws -> [(String, SourceLocation)] {
    if let text = node.text { return [(text, node.location)] }
    guard case .sequence(let elements) = node.content else {
      throw Self.problem(
        .wrongType, node.location, "\(node.summary) stands where a list belongs", "write [a, b]")
    }
    return try elements.map { element in
      guard let text = element.text else {
        throw Self.problem(.wrongType, element.location, "\(element.summary) is no name", "write a name")
      }
      return (text, element.location)
    }
  }

  private func integer(_ node: YAMLNode?, atLeast least: Int) throws -> Int? {
    guard let node else { return nil }
    guard let value = node.text.flatMap({ Int($0) }), value >= least, value <= 100_000 else {
      throw Self.problem(
        .badValue, node.location, "\(node.summary) is no integer from \(least) to 100000", "write a number")
    }
    return value
  }

  mutating func readPeople(_ node: YAMLNode, find: (String) throws -> PublicKey) throws {
    for entry in try entries(node) {
      people[entry.key] = try texts(entry.value).map { try find($0.0) }
    }
  }

  func role(_ node: YAMLNode, extra: [String] = []) throws -> RepositoryPlan.Role {
    try check(node, allows: ["signers", "threshold", "count", "days"] + extra)
    var holders: [RepositoryPlan.Holder] = []
    for (name, location) in try texts(try entry(node, "signers")) {
      guard let keys = people[name] else {
        throw Self.problem(
          .badValue, location, "nobody called \"\(name)\" is listed", "add them under people")
      }
      holders += keys.map { RepositoryPlan.Holder(person: name, key: $0) }
    }
    guard Set(holders.map(\.key.keyID)).count == holders.count else {
      throw Self.problem(.badValue, node.location, "the same key stands here twice", "name each once")
    }
    let threshold = try integer(node.entry("threshold")?.value, atLeast: 1) ?? 1
    let countsPeople = try countsPeople(node)
    let possible = countsPeople ? Set(holders.map(\.person)).count : holders.count
    guard threshold <= possible else {
      throw Self.problem(
        .badValue, node.location, "the threshold is \(threshold), but only \(possible) can sign",
        "lower it, or add signers")
    }
    return RepositoryPlan.Role(
      holders: holders, threshold: threshold, countsPeople: countsPeople,
      days: try integer(node.entry("days")?.value, atLeast: 1))
  }

  /// Whether people are counted, and not keys.
  private func countsPeople(_ node: YAMLNode) throws -> Bool {
    let count = node.entry("count")?.value
    guard ["people", "keys", nil].contains(count?.text) else {
      throw Self.problem(
        .badValue, count?.location ?? node.location, "count is neither people nor keys", "write one of them")
    }
    return count?.text == "people"
  }

  /// Whose keys must have signed something: names, or `{signers, threshold, count}`.
  private func authority(_ node: YAMLNode) throws -> ChannelPolicy.Authority {
    var threshold = 1
    var isByPeople = false
    var signers = node
    if case .mapping = node.content {
      try check(node, allows: ["signers", "threshold", "count"])
      signers = try entry(node, "signers")
      threshold = try integer(node.entry("threshold")?.value, atLeast: 1) ?? 1
      isByPeople = try countsPeople(node)
    }
    var keys: [PublicKey] = []
    var owners: [String] = []
    for (name, location) in try texts(signers) {
      guard let found = people[name] else {
        throw Self.problem(
          .badValue, location, "nobody called \"\(name)\" is listed", "add them under people")
      }
      for key in found where !keys.contains(where: { $0.bytes == key.bytes }) {
        keys.append(key)
        owners.append(name)
      }
    }
    let possible = isByPeople ? Set(owners).count : keys.count
    guard threshold <= possible else {
      throw Self.problem(
        .badValue, node.location,
        "the threshold is \(threshold), but there are \(possible) \(isByPeople ? "people" : "keys")",
        "lower it, or add signers")
    }
    return ChannelPolicy.Authority(keys: keys, threshold: threshold, people: isByPeople ? owners : nil)
  }

  private func attestations(_ node: YAMLNode?) throws -> [ChannelPolicy.Attestation] {
    guard let node else { return [] }
    return try entries(node).map { entry in
      guard AttestationName.isValid(entry.key) else {
        throw Self.problem(
          .badValue, entry.keyLocation, "\"\(entry.key)\" is no name of an attestation",
          "use a to z, 0 to 9 and -")
      }
      return ChannelPolicy.Attestation(name: entry.key, authority: try authority(entry.value))
    }
  }

  private func vulnerable(_ node: YAMLNode?) throws -> [VulnerableVersion] {
    guard let node else { return [] }
    return try texts(node).map { text, location in
      guard let version = VulnerableVersion(text) else {
        throw Self.problem(
          .badValue, location, "\"\(text)\" names no versions of a package",
          "write PACKAGE < VERSION, PACKAGE = VERSION or PACKAGE")
      }
      return version
    }
  }

  func channels(_ node: YAMLNode) throws -> [RepositoryPlan.Channel] {
    var channels: [RepositoryPlan.Channel] = []
    for entry in try entries(node) {
      let isPlain =
        (1...64).contains(entry.key.utf8.count)
        && entry.key.utf8.allSatisfy {
          (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) || $0 == 0x2d
        }
      guard isPlain else {
        throw Self.problem(
          .badValue, entry.keyLocation, "\"\(entry.key)\" is no name of a channel", "use a to z, 0 to 9 and -"
        )
      }
      let after = entry.value.entry("after")?.value
      if let after, !channels.contains(where: { $0.name == after.text }) {
        throw Self.problem(
          .badValue, after.location, "no channel \(after.summary) stands before this one",
          "name an earlier channel")
      }
      let soak = try integer(entry.value.entry("soakHours")?.value, atLeast: 0) ?? 0
      guard soak == 0 || after != nil else {
        throw Self.problem(
          .conflict, entry.keyLocation, "soakHours without after says nothing", "add after: CHANNEL")
      }
      var policy = ChannelPolicy(after: after?.text, soakHours: soak)
      policy.attestations = try attestations(entry.value.entry("attestations")?.value)
      policy.builtBy = try entry.value.entry("builtBy").map { try authority($0.value) }
      policy.vulnerable = try vulnerable(entry.value.entry("vulnerable")?.value)
      let gates = ["after", "soakHours", "attestations", "builtBy", "vulnerable"]
      channels.append(
        RepositoryPlan.Channel(
          name: entry.key, role: try role(entry.value, extra: gates), policy: policy))
    }
    return channels
  }
}
