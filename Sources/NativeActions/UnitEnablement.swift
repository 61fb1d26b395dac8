/// The symbolic links below `/etc/systemd/system` that enable, alias and mask units, as `systemctl` makes them.
package enum UnitEnablement {
  /// A link.
  package struct Link: Hashable, Sendable {
    /// Below `/etc/systemd/system`, such as `multi-user.target.wants/frr.service`.
    package let path: String
    /// The unit file's absolute path in the image, or `/dev/null`.
    package let target: String
  }

  /// A unit file as the caller found it in the image.
  package struct Unit: Sendable {
    /// The name of the file, after following links among unit files.
    package let name: UnitName
    /// Its absolute path in the image.
    package let path: String
    /// The file with its drop-ins.
    package let file: UnitFile

    package init(name: UnitName, path: String, file: UnitFile) {
      self.name = name
      self.path = path
      self.file = file
    }
  }

  /// `Also=` may go on and on.
  private static let mostUnits = 1000

  /// Links that enable units, sorted by path, without duplicates. `load` finds a unit file by name; for an instance it
  /// is asked for the instance first, then for its template. `missing` for a name that `load` does not know, `conflict`
  /// for two units that claim the same alias.
  package static func links(
    enabling names: [UnitName], load: (UnitName) throws(NativeActionError) -> Unit?
  ) throws(NativeActionError) -> [Link] {
    var targets: [String: String] = [:]
    var pending = Array(names.map { (name: $0, origin: $0.text) }.reversed())
    var done = Set<UnitName>()
    while let (name, origin) = pending.popLast() {
      guard done.insert(name).inserted else { continue }
      guard done.count <= mostUnits else {
        throw NativeActionError(
          .limitExceeded, at: origin, "more than \(mostUnits) units follow from each other's Also=")
      }
      guard let unit = try find(name, load) else {
        throw NativeActionError(
          .missing, at: origin, "the unit \(name.text) has no file in the image; add its package")
      }
      let installer = UnitInstaller(unit: unit, instance: name.instance)
      for link in try installer.links() {
        if let other = targets.updateValue(link.target, forKey: link.path), other != link.target {
          throw NativeActionError(
            .conflict, at: unit.path, "\(other) claims the link \(link.path) as well; enable only one of them"
          )
        }
      }
      for also in try installer.also() where !done.contains(also) { pending.append((also, unit.path)) }
    }
    return targets.map { Link(path: $0.key, target: $0.value) }.sorted { precedesBytewise($0.path, $1.path) }
  }

  /// Links for every unit that the presets enable and that has something to install: what `systemctl preset-all` makes
  /// in a root without links. `names` are the unit files of the image.
  package static func links(
    presets: Presets, names: [UnitName], load: (UnitName) throws(NativeActionError) -> Unit?
  ) throws(NativeActionError) -> [Link] {
    var enabled: [UnitName] = []
    for name in names.sorted(by: { precedesBytewise($0.text, $1.text) }) {
      guard let unit = try find(name, load), unit.file.settings.contains(where: { $0.section == "Install" })
      else {
        continue
      }
      let decision = presets.decide(name)
      if decision.action == .enable { enabled += decision.units }
    }
    return try links(enabling: enabled, load: load)
  }

  /// The link that keeps a unit from ever starting.
  package static func mask(_ name: UnitName) -> Link {
    Link(path: name.text, target: "/dev/null")
  }

  private static func find(
    _ name: UnitName, _ load: (UnitName) throws(NativeActionError) -> Unit?
  ) throws(NativeActionError) -> Unit? {
    if let unit = try load(name) { return unit }
    guard !name.isTemplate, let template = name.template else { return nil }
    return try load(template)
  }
}

/// Reads one unit's `[Install]` section for one of its instances.
private struct UnitInstaller {
  private let unit: UnitEnablement.Unit
  /// The unit's name, with the instance that was asked for.
  private let requested: UnitName
  /// The name to be started, by `DefaultInstance=` if need be; `nil` for a template that is not to be by itself.
  private let name: UnitName?

  init(unit: UnitEnablement.Unit, instance: String?) {
    self.unit = unit
    requested = instance.flatMap { $0.isEmpty ? nil : unit.name.instantiated($0) } ?? unit.name
    name =
      requested.isTemplate
      ? unit.file.value("Install", "DefaultInstance").flatMap { unit.name.instantiated($0) } : requested
  }

  func links() throws(NativeActionError) -> [UnitEnablement.Link] {
    var links: [UnitEnablement.Link] = []
    for (key, suffix) in [("WantedBy", "wants"), ("RequiredBy", "requires"), ("UpheldBy", "upholds")] {
      for parent in try names(key) {
        guard let name else {
          throw NativeActionError(
            .missing, at: unit.path,
            "the template has neither an instance nor DefaultInstance=, so \(key)= cannot be done; name an instance"
          )
        }
        links.append(UnitEnablement.Link(path: "\(parent.text).\(suffix)/\(name.text)", target: unit.path))
      }
    }
    for declared in try names("Alias") {
      // An instance's alias by a template is that template's instance.
      let alias = requested.instance.flatMap { $0.isEmpty ? nil : declared.instantiated($0) } ?? declared
      guard alias != requested else { continue }
      guard isValid(alias) else {
        throw NativeActionError(
          .malformed, at: unit.path,
          "\(requested.text) cannot have the alias \(alias.text): type and instance must be alike")
      }
      links.append(UnitEnablement.Link(path: alias.text, target: unit.path))
    }
    return links
  }

  private func isValid(_ alias: UnitName) -> Bool {
    guard alias.type == requested.type else { return false }
    return alias.instance == requested.instance || (alias.instance != nil && requested.isTemplate)
  }

  func also() throws(NativeActionError) -> [UnitName] { try names("Also") }

  private func names(_ key: String) throws(NativeActionError) -> [UnitName] {
    var names: [UnitName] = []
    for word in try unit.file.words("Install", key) {
      let text = try expand(word)
      guard let name = UnitName(text) else {
        throw NativeActionError(.malformed, at: unit.path, "\(key)= names “\(text)”, which is no unit")
      }
      names.append(name)
    }
    return names
  }

  /// The specifiers that stand for the unit's own name; no other can be answered without a running system.
  private func expand(_ word: String) throws(NativeActionError) -> String {
    let own = name ?? unit.name
    var result = ""
    var isSpecifier = false
    for scalar in word.unicodeScalars {
      guard isSpecifier else {
        if scalar == "%" { isSpecifier = true } else { result.unicodeScalars.append(scalar) }
        continue
      }
      isSpecifier = false
      switch scalar {
      case "%": result += "%"
      case "n": result += own.text
      case "N": result += own.text.dropLast(own.type.utf8.count + 1)
      case "p": result += own.prefix
      case "i": result += own.instance ?? ""
      case "j": result += own.prefix.split(separator: "-").last ?? ""
      default:
        throw NativeActionError(
          .unsupported, at: unit.path,
          "“%\(scalar)” in [Install] has no value at build time; write the name out")
      }
    }
    return result
  }
}
