internal import Bytes

/// Makes one set of declarations of those of several manifests: equal ones merge, others conflict.
struct DeclarationMerger: Sendable {
  var problems: [ManifestError.Problem] = []

  /// `parts` in composition order; nobody overrides anybody.
  mutating func merge(_ parts: [Declarations]) -> Declarations {
    var result = Declarations()
    result.includedPackages = mergeRequests(parts.flatMap(\.includedPackages))
    result.excludedPackages = unite(parts.flatMap(\.excludedPackages), ids: { ["package \($0.package)"] }) {
      _, _ in true
    }
    result.modules = unite(parts.flatMap(\.modules)) { ["module \($0)"] }
    result.commandLine = lastOfEach(parts.flatMap(\.commandLine))
    result.files = unite(parts.flatMap(\.files)) { ["file \($0.path)"] }
    result.directories = unite(parts.flatMap(\.directories)) { ["directory \($0.path)"] }
    result.links = unite(parts.flatMap(\.links)) { ["link \($0.path)"] }
    result.permissions = unite(parts.flatMap(\.permissions), ids: { ["permission \($0.path)"] }) {
      $0.mode == $1.mode && $0.owner == $1.owner && $0.group == $1.group
        && $0.capabilities == $1.capabilities
    }
    result.users = unite(parts.flatMap(\.users)) { ["user \($0.name)"] }
    result.groups = unite(parts.flatMap(\.groups)) { ["group \($0.name)"] }
    result.enabledUnits = unite(parts.flatMap(\.enabledUnits)) { ["unit \($0)"] }
    result.maskedUnits = unite(parts.flatMap(\.maskedUnits)) { ["unit \($0)"] }
    result.sysctls = unite(parts.flatMap(\.sysctls), ids: { ["sysctl \($0.canonicalName)"] }) {
      $0.value == $1.value
    }
    result.drops = unite(
      parts.flatMap(\.drops), ids: { ["drop \($0.paths.map(\.pattern)) keep \($0.keep.map(\.pattern))"] },
      same: { _, _ in true })
    result.scripts = mergeReviews(parts.flatMap(\.scripts))
    result.alternatives = unite(parts.flatMap(\.alternatives)) { ["alternative \($0.name)"] }
    result.exceptions = unite(parts.flatMap(\.exceptions), ids: { ["exception \($0.rule) \($0.path)"] }) {
      _, _ in true
    }
    checkAcrossLists(result)
    return result
  }

  /// Keeps the first of what has the same identity, and reports those that differ from it.
  ///
  /// An identity is also what a message calls the item. Reasons are no part of being the same.
  private mutating func unite<Item: Equatable>(
    _ items: [Located<Item>], ids: (Item) -> [String], same: (Item, Item) -> Bool = { $0 == $1 }
  ) -> [Located<Item>] {
    var kept: [Located<Item>] = []
    // By bytes: two file names may differ in their Unicode normalization only.
    var indices: [[UInt8]: Int] = [:]
    for item in items {
      let ids = ids(item.value)
      var isKnown = false
      for id in ids {
        guard let index = indices[Array(id.utf8)] else { continue }
        isKnown = true
        guard !same(kept[index].value, item.value) else { continue }
        reportConflict("\(item.origin) declares \(id) differently than", item, kept[index])
        break
      }
      if isKnown { continue }
      for id in ids { indices[Array(id.utf8)] = kept.count }
      kept.append(item)
    }
    return kept
  }

  /// A request for a version and one for any version agree on that version.
  private mutating func mergeRequests(_ items: [Located<PackageRequest>]) -> [Located<PackageRequest>] {
    var kept: [Located<PackageRequest>] = []
    var indices: [String: Int] = [:]
    for item in items {
      guard let index = indices[item.name] else {
        indices[item.name] = kept.count
        kept.append(item)
        continue
      }
      if kept[index].version == nil {
        if item.version != nil { kept[index] = item }
      } else if item.version != nil, kept[index].version != item.version {
        reportConflict(
          "\(item.origin) wants another version of package \(item.name) than", item, kept[index])
      }
    }
    return kept
  }

  /// Reviews of the same text have to agree on what replaces it; each text is kept once.
  private mutating func mergeReviews(_ items: [Located<ScriptReview>]) -> [Located<ScriptReview>] {
    var kept: [Located<ScriptReview>] = []
    var indices: [String: Int] = [:]
    for item in items {
      var digests: [SHA256Digest] = []
      for digest in item.digests {
        let id = "\(item.package) \(item.script) \(digest.hex)"
        guard let index = indices.updateValue(kept.count, forKey: id) else {
          digests.append(digest)
          continue
        }
        indices[id] = index
        // Within one review, a text that is there twice is there once.
        guard index < kept.count else { continue }
        guard !kept[index].replacement.hasSameContent(as: item.replacement) else { continue }
        reportConflict(
          "\(item.origin) replaces the \(item.script) of package \(item.package) differently than", item,
          kept[index])
      }
      guard !digests.isEmpty else { continue }
      kept.append(item.map { $0.reviewing(digests) })
    }
    return kept
  }

  /// Keeps the last of equal parameters: to the kernel, the last one counts.
  private func lastOfEach(_ items: [Located<String>]) -> [Located<String>] {
    var seen: Set<String> = []
    return items.reversed().filter { seen.insert($0.value).inserted }.reversed()
  }

  mutating func reportConflict<New, Old>(
    _ claim: String, _ item: Located<New>, _ other: Located<Old>,
    suggestion: String = "keep one of the two"
  ) {
    problems.append(
      .init(
        .conflict, at: item.location, "\(claim) \(other.origin) at \(other.location)",
        suggestion: suggestion))
  }
}
