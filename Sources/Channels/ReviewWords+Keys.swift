internal import Bytes
internal import Signing
internal import UpdateFramework

/// Keys, and which roles they hold.
extension ReviewWords {
  /// A table of keys by identifier.
  func keyLines(_ old: JSONValue?, _ new: JSONValue?) -> [String] {
    Self.names(old, new).compactMap { id in
      let (before, after) = (old?[id], new?[id])
      guard !Self.same(before, after) else { return nil }
      let who = holder(ExactString(id))
      return switch (before, after) {
      case (nil, _): "\(who) is listed: \(material(after))"
      case (_, nil): "\(who) is listed no more"
      default: "ANOTHER KEY under the identifier of \(who): \(material(before)) → \(material(after))"
      }
    }
  }

  private func material(_ key: JSONValue?) -> String {
    guard let text = key?["keyval"]?["public"]?.text, let scheme = key?["scheme"]?.text else {
      return describe(key)
    }
    // PEM is long; its digest tells two keys apart.
    let shown =
      text.utf8.count <= 64 ? Self.plain(text) : "sha256:\(SHA256.digest(of: Array(text.utf8)).hex)"
    return "\(Self.plain(scheme)) \(shown)"
  }

  /// The roles of a root.
  func roleLines(_ old: JSONValue?, _ new: JSONValue?) -> [String] {
    Self.names(old, new).flatMap { roleLines($0, old?[$0], new?[$0]) }
  }

  /// One role of a root or a delegation: who may sign, how many must, and whatever else is said of it.
  func roleLines(_ name: String, _ old: JSONValue?, _ new: JSONValue?) -> [String] {
    if Self.same(old, new) { return [] }
    let label = Self.plain(name)
    guard let new else { return ["\(label): delegated to no more"] }
    var lines: [String] = []
    for member in Self.names(old, new) where member != "name" && !Self.same(old?[member], new[member]) {
      let (before, after) = (old?[member], new[member])
      let said: [String]? =
        switch member {
        case "keyids": signerLines(label, before, after)
        case "threshold": thresholdLines(label, old, new)
        case "x-people": peopleLines(label, old, new)
        case "x-lifetime":
          after?.integer.map { ["\(label): good for \($0 / 86400) days"] } ?? [
            "\(label): good for the usual time"
          ]
        case "paths", "path_hash_prefixes": pathLines(label, member, before, after)
        case "terminating":
          [
            after == .bool(true)
              ? "\(label): who finds nothing there looks no further"
              : "\(label): who finds nothing there looks on in the next role"
          ]
        case "x-channel":
          Self.names(before, after).flatMap {
            differences("\(label): gate \($0)", before?[$0], after?[$0])
          }
        default: nil
        }
      lines += said ?? differences("\(label): \(member)", before, after)
    }
    return lines.isEmpty ? ["\(label) changes"] : lines
  }

  private func signerLines(_ label: String, _ old: JSONValue?, _ new: JSONValue?) -> [String] {
    let before = (old?.elements ?? []).compactMap(\.text).map { ExactString($0) }
    let after = (new?.elements ?? []).compactMap(\.text).map { ExactString($0) }
    let lines =
      after.filter { !before.contains($0) }.map { "\(label): \(holder($0)) may sign" }
      + before.filter { !after.contains($0) }.map { "\(label): \(holder($0)) may sign no more" }
    return lines.isEmpty ? ["\(label): its keys stand in another order"] : lines
  }

  private func unit(_ role: JSONValue?, _ count: Int) -> String {
    role?["x-people"] == nil ? (count == 1 ? "key" : "keys") : (count == 1 ? "person" : "people")
  }

  private func thresholdLines(_ label: String, _ old: JSONValue?, _ new: JSONValue) -> [String] {
    guard let count = new["threshold"]?.integer else {
      return ["\(label): threshold \(describe(new["threshold"]))"]
    }
    let were = old?["threshold"]?.integer.map { ", were \($0)" } ?? ""
    return ["\(label): \(count) \(unit(new, count)) must sign\(were)"]
  }

  private func peopleLines(_ label: String, _ old: JSONValue?, _ new: JSONValue) -> [String] {
    let (before, after) = (old?["x-people"], new["x-people"])
    var lines: [String] = []
    if let old, (before == nil) != (after == nil) {
      let what =
        after == nil ? "keys are counted, and no longer people" : "people are counted, and no longer keys"
      lines.append(
        "\(label): \(what); \(describe(new["threshold"])) must sign, were \(describe(old["threshold"]))")
    }
    for id in Self.names(before, after) where !Self.same(before?[id], after?[id]) {
      let who = holder(ExactString(id))
      switch (before?[id], after?[id]) {
      case (let was?, let person?):
        lines.append("\(label): \(who) counts as \(describe(person)), and no longer as \(describe(was))")
      case (nil, let person?): lines.append("\(label): \(who) counts as \(describe(person))")
      default: if after != nil { lines.append("\(label): \(who) counts as nobody") }
      }
    }
    return lines
  }

  private func pathLines(_ label: String, _ member: String, _ old: JSONValue?, _ new: JSONValue?) -> [String]
  {
    let what = member == "paths" ? "paths" : "hash prefixes"
    guard let new else { return ["\(label): trusted with no \(what) any more"] }
    return [
      "\(label): trusted with the \(what) \(describe(new))" + (old.map { ", was \(describe($0))" } ?? "")
    ]
  }
}
