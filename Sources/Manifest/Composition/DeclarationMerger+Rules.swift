internal import Bytes

extension DeclarationMerger {
  /// What cannot hold together although each list by itself is fine.
  mutating func checkAcrossLists(_ all: Declarations) {
    checkPackages(all)
    checkUnits(all)
    checkNumbers(all.users.filter { $0.uid != nil }, "user id") { $0.uid }
    checkNumbers(all.groups.filter { $0.gid != nil }, "group id") { $0.gid }
    checkPaths(all)
  }

  private mutating func checkPackages(_ all: Declarations) {
    let included = Dictionary(
      all.includedPackages.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    for exclusion in all.excludedPackages {
      guard let inclusion = included[exclusion.package] else { continue }
      reportConflict(
        "\(exclusion.origin) excludes package \(exclusion.package), included by", exclusion, inclusion)
    }
  }

  private mutating func checkUnits(_ all: Declarations) {
    let enabled = Dictionary(
      all.enabledUnits.map { ($0.value, $0) }, uniquingKeysWith: { first, _ in first })
    for masked in all.maskedUnits {
      guard let other = enabled[masked.value] else { continue }
      reportConflict("\(masked.origin) masks unit \(masked.value), enabled by", masked, other)
    }
  }

  private mutating func checkNumbers<Item>(
    _ items: [Located<Item>], _ what: String, number: (Item) -> UInt32?
  ) {
    var owners: [UInt32: Located<Item>] = [:]
    for item in items {
      guard let number = number(item.value) else { continue }
      if let other = owners.updateValue(item, forKey: number) {
        owners[number] = other
        reportConflict(
          "\(item.origin) gives away \(what) \(number), taken by", item, other,
          suggestion: "choose another number")
      }
    }
  }

  /// A path is one thing, and nothing lies below what is no directory.
  private mutating func checkPaths(_ all: Declarations) {
    let claims =
      all.files.map { $0.map { Claim(path: $0.path, kind: "file") } }
      + all.directories.map { $0.map { Claim(path: $0.path, kind: "directory") } }
      + all.links.map { $0.map { Claim(path: $0.path, kind: "link") } }
    var owners: [[UInt8]: Located<Claim>] = [:]
    for claim in claims {
      if let other = owners.updateValue(claim, forKey: Array(claim.path.utf8)) {
        reportConflict(
          "\(claim.origin) declares \(claim.path) as a \(claim.kind), a \(other.kind) of", claim, other)
      }
    }
    for claim in claims {
      let path = Array(claim.path.utf8)
      for slash in path.indices.dropFirst() where path[slash] == UInt8(ascii: "/") {
        guard let other = owners[Array(path[..<slash])], other.kind != "directory" else { continue }
        reportConflict(
          "\(claim.origin) puts \(claim.kind) \(claim.path) below the \(other.kind) \(other.path) of", claim,
          other, suggestion: "use the real directory")
        break
      }
    }
  }

  private struct Claim: Sendable {
    let path: String
    let kind: String
  }
}

extension Sysctl {
  /// The name with `/` between its parts: of `.` and `/`, sysctl.d(5) takes the first as the separator, and
  /// lets the other stand for a `.` within a part.
  var canonicalName: String {
    guard let first = name.first(where: { $0 == "." || $0 == "/" }), first == "." else { return name }
    return String(name.map { $0 == "." ? "/" : $0 == "/" ? "." : $0 })
  }
}

extension ScriptReplacement {
  /// Whether two manifests ask for the same, wherever they do so.
  func hasSameContent(as other: ScriptReplacement) -> Bool {
    users.map(\.value) == other.users.map(\.value) && groups.map(\.value) == other.groups.map(\.value)
      && directories.map(\.value) == other.directories.map(\.value)
      && links.map(\.value) == other.links.map(\.value) && files.map(\.value) == other.files.map(\.value)
      && permissions.map(\.value) == other.permissions.map(\.value)
  }
}

extension ScriptReview {
  /// The same verdict on other texts.
  func reviewing(_ digests: [SHA256Digest]) -> ScriptReview {
    ScriptReview(
      package: package, script: script, digests: digests, reason: reason, replacement: replacement)
  }
}
