package import NativeActions

/// The units that a boot can start: what `default.target` pulls in, what those pull in, and what their sockets,
/// timers and paths start; and what an orderly shutdown starts. What generators, udev or D-Bus would add at run time is
/// not known here.
package struct ReachableUnits {
  /// A unit that another one cannot do without, and that is not there.
  package struct Missing: Hashable, Sendable {
    /// The file of the unit that wants it, without a leading slash.
    package let path: String
    /// Its setting, or the directory, that names the other.
    package let reason: String
    package let name: String
    /// Whether the other one is there, but masked.
    package let isMasked: Bool
  }

  /// In the order of their paths, each file once.
  package let units: [UnitEnablement.Unit]
  /// In the order of their paths, then their names.
  package let missing: [Missing]
  /// Unit files that cannot be read, by path without a leading slash, and why.
  package let unreadable: [(path: String, problem: String)]

  private static let keys = [
    "Wants", "Requires", "Requisite", "BindsTo", "Upholds", "OnFailure", "OnSuccess",
  ]
  /// Without these, the unit that names them is not started.
  private static let hardKeys: Set<String> = ["Requires", "Requisite", "BindsTo"]
  /// Units of other types come from the kernel, `fstab` or systemd itself.
  private static let fileTypes: Set<String> = ["service", "socket", "target", "timer", "path"]
  /// Ordinary units require the second and third without saying so; the last two end every run.
  private static let roots = [
    "default.target", "sysinit.target", "basic.target", "reboot.target", "poweroff.target",
  ]

  package init(_ tree: RootTree) {
    let wanted = Self.wanted(tree)
    var found: [String: UnitEnablement.Unit] = [:]
    var missing: Set<Missing> = []
    var unreadable: [String: String] = [:]
    var pending = Self.roots.compactMap { UnitName($0) }
    var seen = Set(pending)
    while let name = pending.popLast() {
      let unit: UnitEnablement.Unit
      switch Self.load(name, tree) {
      case .unit(let loaded): unit = loaded
      case .missing, .masked: continue
      case .unreadable(let path, let problem):
        unreadable[path] = problem
        continue
      }
      found[unit.path] = unit
      var next: [(name: String, reason: String, isHard: Bool)] = []
      for key in Self.keys {
        for text in (try? unit.file.words("Unit", key)) ?? [] {
          next.append((text, "\(key)=", Self.hardKeys.contains(key)))
        }
      }
      for (text, reason) in Self.activated(by: name, unit.file) { next.append((text, reason, true)) }
      let own = unit.name.instance == "" ? name.template ?? name : unit.name
      for owner in Set([name.text, own.text]).sorted() {
        for directory in RootTree.unitDirectories {
          for kind in ["wants", "requires", "upholds"] {
            for text in wanted["\(directory)/\(owner).\(kind)"] ?? [] {
              next.append((text, "/\(directory)/\(owner).\(kind)", kind == "requires"))
            }
          }
        }
      }
      for (text, reason, isHard) in next {
        guard let wanted = UnitName(Self.expand(text, of: name)) else { continue }
        if isHard, Self.fileTypes.contains(wanted.type) {
          let state = Self.load(wanted, tree)
          if state.isMissing || state.isMasked {
            missing.insert(
              Missing(
                path: String(unit.path.dropFirst()), reason: reason, name: wanted.text,
                isMasked: state.isMasked))
          }
        }
        if seen.insert(wanted).inserted { pending.append(wanted) }
      }
    }
    units = found.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map(\.value)
    self.missing = missing.sorted { ($0.path, $0.name, $0.reason) < ($1.path, $1.name, $1.reason) }
    self.unreadable = unreadable.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
  }

  /// The names in each directory that pulls units in, such as `multi-user.target.wants`.
  private static func wanted(_ tree: RootTree) -> [String: [String]] {
    var names: [String: [String]] = [:]
    for path in tree.sortedPaths {
      let directory = RootTree.parent(of: path)
      guard RootTree.unitDirectories.contains(RootTree.parent(of: directory)) else { continue }
      names[directory, default: []].append(RootTree.name(of: path))
    }
    return names
  }

  /// What systemd would make of a name.
  private enum State {
    case unit(UnitEnablement.Unit)
    case missing
    case masked
    case unreadable(path: String, problem: String)

    var isMissing: Bool { if case .missing = self { true } else { false } }
    var isMasked: Bool { if case .masked = self { true } else { false } }
  }

  private static func load(_ name: UnitName, _ tree: RootTree) -> State {
    for name in [name, name.template].compactMap(\.self) {
      for directory in RootTree.unitDirectories {
        let path = "\(directory)/\(name.text)"
        // The first place that has the name counts; a link to /dev/null, or an empty file, masks the unit there.
        guard let node = tree[path] else { continue }
        if case .symlink("/dev/null") = node.kind { return .masked }
        guard let target = tree.node(at: path) else { return .missing }
        if target.bytes?.isEmpty == true { return .masked }
        do {
          return try tree.unitFile(name).map { .unit($0) } ?? .missing
        } catch {
          return .unreadable(path: path, problem: "\(error)")
        }
      }
    }
    return .missing
  }

  /// What a socket, timer or path starts, and the setting that says so.
  private static func activated(by name: UnitName, _ file: UnitFile) -> [(name: String, reason: String)] {
    let stem = name.text.dropLast(name.type.utf8.count)
    switch name.type {
    case "socket":
      // With Accept=yes, each connection is an instance of the template.
      let isPerConnection = ["yes", "true", "on", "1"].contains(file.value("Socket", "Accept") ?? "no")
      let own = isPerConnection ? "\(stem.dropLast())@0.service" : "\(stem)service"
      return [(file.value("Socket", "Service") ?? own, "what it starts")]
    case "timer": return [(file.value("Timer", "Unit") ?? "\(stem)service", "what it starts")]
    case "path": return [(file.value("Path", "Unit") ?? "\(stem)service", "what it starts")]
    default: return []
    }
  }

  /// The specifiers for a unit's own name.
  private static func expand(_ text: String, of name: UnitName) -> String {
    text.utf8.contains(UInt8(ascii: "%"))
      ? text.replacing("%i", with: name.instance ?? "").replacing("%I", with: name.instance ?? "")
        .replacing("%p", with: name.prefix).replacing("%n", with: name.text).replacing("%N", with: stem(name))
      : text
  }

  private static func stem(_ name: UnitName) -> String {
    String(name.text.dropLast(name.type.utf8.count + 1))
  }
}
