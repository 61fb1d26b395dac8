internal import Bytes
internal import Signing
internal import UpdateFramework

/// What a targets role lists, and to whom it delegates.
extension ReviewWords {
  func delegationLines(_ old: JSONValue?, _ new: JSONValue?) -> [String] {
    guard let new else { return ["delegates to nobody any more"] }
    var lines: [String] = []
    for member in Self.names(old, new) where !Self.same(old?[member], new[member]) {
      let (before, after) = (old?[member], new[member])
      let said =
        switch member {
        case "keys": keyLines(before, after)
        case "roles": delegatedLines(before, after)
        case RepositoryPlan.namesMember:
          Self.names(before, after).filter { !Self.same(before?[$0], after?[$0]) }.map { id in
            "\(holder(ExactString(id))): its name, for people: \(describe(before?[id])) → \(describe(after?[id]))"
          }
        default: differences("delegations.\(member)", before, after)
        }
      lines += said
    }
    return lines
  }

  private func delegatedLines(_ old: JSONValue?, _ new: JSONValue?) -> [String] {
    func table(_ value: JSONValue?) -> (names: [ExactString], roles: [ExactString: JSONValue]) {
      let pairs = (value?.elements ?? []).map { (ExactString($0["name"]?.text ?? ""), $0) }
      return (pairs.map(\.0), Dictionary(pairs) { first, _ in first })
    }
    let (before, after) = (table(old), table(new))
    var lines = Set(before.names).union(after.names).sorted().flatMap {
      roleLines($0.text, before.roles[$0], after.roles[$0])
    }
    // The first role that is trusted with a path and has it is believed, so a place in the list is power.
    let common = Set(before.names).intersection(after.names)
    let isAppended = after.names.starts(with: before.names.filter { common.contains($0) })
    if !isAppended, old != nil {
      let list = after.names.map { Self.plain($0.text) }.joined(separator: ", ")
      let was = before.names.map { Self.plain($0.text) }.joined(separator: ", ")
      lines.append("roles are asked in the order \(list), was \(was)")
    }
    return lines
  }

  func targetLines(_ role: ExactString, _ old: JSONValue?, _ new: JSONValue?) -> [String] {
    Self.names(old, new).flatMap { path -> [String] in
      let (before, after) = (old?[path], new?[path])
      if Self.same(before, after) { return [] }
      if let lines = entryLines(role, path, before, after) { return lines }
      let place = Self.plain(path)
      guard let after else { return ["REMOVED: \(place)"] }
      guard let before else {
        let custom = after["custom"].map { ", \(describe($0))" } ?? ""
        return ["new: \(place) (sha256:\(digest(after)))\(custom)"] + others(place, nil, after)
      }
      return ["REPLACED: \(place) (sha256:\(digest(before)) → sha256:\(digest(after)))"]
        + differences("\(place): custom", before["custom"], after["custom"]) + others(place, before, after)
    }
  }

  private func digest(_ file: JSONValue) -> String { Self.plain(file["hashes"]?["sha256"]?.text ?? "none") }

  /// Members that no client of ours looks at, but somebody's may.
  private func others(_ place: String, _ old: JSONValue?, _ new: JSONValue) -> [String] {
    var lines: [String] = []
    for member in Self.names(old, new) where !["length", "hashes", "custom"].contains(member) {
      lines += differences("\(place): \(member)", old?[member], new[member])
    }
    for name in Self.names(old?["hashes"], new["hashes"]) where name != "sha256" {
      lines += differences("\(place): \(name)", old?["hashes"]?[name], new["hashes"]?[name])
    }
    return lines
  }

  /// A channel's entry; `nil` for any other target.
  private func entryLines(
    _ role: ExactString, _ path: String, _ beforeJSON: JSONValue?, _ afterJSON: JSONValue?
  ) -> [String]? {
    guard role.text.hasPrefix("channel-") else { return nil }
    let prefix = "channels/\(role.text.dropFirst("channel-".count))/"
    guard path.hasPrefix(prefix) else { return nil }
    let image = String(path.dropFirst(prefix.count))
    let key = ExactString(path)
    let (old, new) = (state?.targets[role]?.signed.targets[key], proposal.targets[role]?.signed.targets[key])
    let before = old.flatMap { try? ChannelEntry(image: image, $0) }
    guard let new else {
      return [
        "\(Self.plain(image)) leaves the channel\(before.map { ", was \(Self.plain($0.version))" } ?? "")"
      ]
    }
    guard let entry = try? ChannelEntry(image: image, new) else { return nil }
    let step = entry.rollbackFrom.map { "ROLLBACK from \(Self.plain($0)) to" } ?? "to"
    var lines = [
      "\(Self.plain(image)) \(step) \(Self.plain(entry.version)) (sha256:\(entry.release))"
        + "\(before.map { ", was \(Self.plain($0.version))" } ?? ""): \(Self.plain(entry.reason))"
    ]
    let place = Self.plain(path)
    for member in Self.names(old?.custom, new.custom)
    where !["version", "reason", "time", "rollback_from"].contains(member) {
      lines += differences("\(place): custom.\(member)", old?.custom?[member], new.custom?[member])
    }
    return lines + (afterJSON.map { others(place, beforeJSON, $0) } ?? [])
  }
}
