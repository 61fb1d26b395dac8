internal import Bytes
internal import DebianPackage

/// Turns the shape of a lock file into a lock, value by value.
struct LockCheck {
  let file: String

  func require(_ condition: Bool, _ place: String, _ what: String) throws(ArchiveError) {
    guard condition else {
      throw ArchiveError(
        .malformedLock, "\(file): \(place) \(what); restore the file, or make it anew with netimg lock")
    }
  }

  private func unwrap<Value>(_ value: Value?, _ place: String, _ what: String) throws(ArchiveError) -> Value {
    guard let value else {
      try require(false, place, what)
      throw ArchiveError(.malformedLock, "\(file): \(place) \(what)")
    }
    return value
  }

  func lock(_ wire: LockFile.Wire.Lock) throws(ArchiveError) -> LockFile {
    try require(ArchivePath.isPackageName(wire.image), "image", "is no image's name")
    try require(ArchivePath.isArchiveName(wire.architecture), "architecture", "is no architecture's name")
    try require((1...64).contains(wire.archives.count), "archives", "has none or too many entries")
    try require(wire.packages.count <= LockFile.maximumPackages, "packages", "has too many entries")
    var archives: [LockFile.Archive] = []
    for (index, archive) in wire.archives.enumerated() {
      archives.append(try self.archive(archive, "archives[\(index)]"))
    }
    let suites = Set(archives.map { "\($0.archive) \($0.suite)" })
    try require(suites.count == archives.count, "archives", "lists a suite twice")
    let known = Set(archives.map(\.archive))
    var packages: [LockFile.Package] = []
    var names: Set<String> = []
    for (index, package) in wire.packages.enumerated() {
      let place = "packages[\(index)]"
      try require(names.insert(package.name).inserted, place, "is a second entry for \(package.name)")
      let checked = try self.package(package, place)
      try require(known.contains(checked.archive), "\(place).archive", "is none of those listed")
      packages.append(checked)
    }
    return LockFile(
      image: wire.image, architecture: wire.architecture, inputs: try digest(wire.inputs, "inputs"),
      archives: archives, packages: packages)
  }

  private func archive(_ wire: LockFile.Wire.Archive, _ place: String) throws(ArchiveError)
    -> LockFile.Archive
  {
    try require(ArchivePath.isArchiveName(wire.archive), "\(place).archive", "is no archive's name")
    try require(ArchivePath.isSafe("dists/" + wire.suite), "\(place).suite", "is no suite's name")
    try text(wire.codename, "\(place).codename")
    try text(wire.version, "\(place).version")
    return LockFile.Archive(
      archive: wire.archive, suite: wire.suite, codename: wire.codename, version: wire.version,
      date: try unwrap(
        ReleaseDate(timestamp: wire.date), "\(place).date", "is no time such as 2026-11-21T09:15:44Z"),
      digest: try digest(wire.sha256, "\(place).sha256"))
  }

  private func package(_ wire: LockFile.Wire.Package, _ place: String) throws(ArchiveError)
    -> LockFile.Package
  {
    try require(ArchivePath.isPackageName(wire.name), "\(place).name", "is no package's name")
    try require((try? DebianVersion(wire.version)) != nil, "\(place).version", "is no Debian version")
    try require(
      ArchivePath.isArchiveName(wire.architecture), "\(place).architecture", "is no architecture's name")
    try require(ArchivePath.isSafe(wire.path), "\(place).path", "is not a safe relative path")
    try require((1...LockFile.maximumPackageSize).contains(wire.size), "\(place).size", "is absurd")
    try require(ArchivePath.isPackageName(wire.source), "\(place).source", "is no package's name")
    let role = try unwrap(LockFile.Role(rawValue: wire.role), "\(place).role", "is neither image nor build")
    try require(wire.why.count <= 1000, "\(place).why", "is too long")
    for (index, reason) in wire.why.enumerated() { try text(reason, "\(place).why[\(index)]") }
    var scripts: [LockFile.Script] = []
    for (index, script) in (wire.scripts ?? []).enumerated() {
      scripts.append(try self.script(script, "\(place).scripts[\(index)]"))
    }
    try require(Set(scripts.map(\.name)).count == scripts.count, "\(place).scripts", "lists a script twice")
    var triggers: [LockFile.Trigger] = []
    for (index, trigger) in (wire.triggers ?? []).enumerated() {
      let place = "\(place).triggers[\(index)]"
      try text(trigger.text, "\(place).text")
      triggers.append(
        LockFile.Trigger(text: trigger.text, triggerClass: try scriptClass(trigger.class, "\(place).class")))
    }
    let solved = SolvedPackage(
      name: wire.name, version: wire.version, architecture: wire.architecture, archive: wire.archive,
      path: wire.path, size: wire.size, digest: try digest(wire.sha256, "\(place).sha256"),
      source: wire.source, why: wire.why)
    return LockFile.Package(solved, role: role, scripts: scripts, triggers: triggers)
  }

  private func script(_ wire: LockFile.Wire.Script, _ place: String) throws(ArchiveError) -> LockFile.Script {
    try require(ScriptName(rawValue: wire.name) != nil, "\(place).name", "is no maintainer script's name")
    let actions = wire.actions ?? []
    try require(actions.count <= 10_000, "\(place).actions", "is too long")
    for (index, action) in actions.enumerated() { try text(action, "\(place).actions[\(index)]") }
    return LockFile.Script(
      name: wire.name, digest: try digest(wire.sha256, "\(place).sha256"),
      scriptClass: try scriptClass(wire.class, "\(place).class"), actions: actions)
  }

  private func scriptClass(_ text: String, _ place: String) throws(ArchiveError) -> LockFile.ScriptClass {
    try unwrap(LockFile.ScriptClass(rawValue: text), place, "is none of inert, known, reviewed and not-run")
  }

  private func digest(_ text: String, _ place: String) throws(ArchiveError) -> SHA256Digest {
    let digest = SHA256Digest(hex: text)
    return try unwrap(digest?.hex == text ? digest : nil, place, "is not 64 lower-case hexadecimal digits")
  }

  private func text(_ text: String, _ place: String) throws(ArchiveError) {
    try require(text.utf8.count <= 4096, place, "is too long")
    try require(
      text.unicodeScalars.allSatisfy { $0.value >= 0x20 && $0.value != 0x7f }, place,
      "has a control character")
  }

  /// The sentence for what the JSON decoder found.
  func error(for error: DecodingError) -> ArchiveError {
    let (context, what): (DecodingError.Context, String) =
      switch error {
      case .keyNotFound(let key, let context): (context, "has no \"\(key.stringValue)\"")
      case .typeMismatch(_, let context), .valueNotFound(_, let context):
        (context, "has a value of the wrong kind")
      case .dataCorrupted(let context):
        (
          context,
          context.codingPath.isEmpty
            ? "is not JSON, or has a number that is too large" : "has a value that does not fit"
        )
      @unknown default: (DecodingError.Context(codingPath: [], debugDescription: ""), "cannot be read")
      }
    var place = ""
    for key in context.codingPath {
      if let index = key.intValue {
        place += "[\(index)]"
      } else {
        place += (place.isEmpty ? "" : ".") + key.stringValue
      }
    }
    return ArchiveError(
      .malformedLock,
      "\(file): \(place.isEmpty ? "the file" : place) \(what); restore it, or make it anew with netimg lock")
  }
}
