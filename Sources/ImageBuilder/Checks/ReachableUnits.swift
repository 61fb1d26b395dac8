package import NativeActions

/// The units that a boot can start: what `default.target` pulls in, what those pull in, and what their sockets,
/// timers and paths start. What generators or D-Bus would add at run time is not known here.
package struct ReachableUnits {
  /// In the order of their paths, each file once.
  package let units: [UnitEnablement.Unit]

  private static let keys = [
    "Wants", "Requires", "Requisite", "BindsTo", "Upholds", "OnFailure", "OnSuccess",
  ]
  private static let directories = ["etc/systemd/system", "usr/lib/systemd/system"]

  package init(_ tree: RootTree) {
    let wanted = Self.wanted(tree)
    var found: [String: UnitEnablement.Unit] = [:]
    // Ordinary units require these two without saying so.
    var pending = ["default.target", "sysinit.target", "basic.target"].compactMap { UnitName($0) }
    var seen = Set(pending)
    while let name = pending.popLast() {
      guard let unit = Self.load(name, tree) else { continue }
      found[unit.path] = unit
      var next: [String] = []
      for key in Self.keys { next += (try? unit.file.words("Unit", key)) ?? [] }
      next += Self.activated(by: name, unit.file)
      let own = unit.name.instance == "" ? name.template ?? name : unit.name
      for owner in Set([name.text, own.text]).sorted() {
        for directory in Self.directories {
          for kind in ["wants", "requires", "upholds"] {
            next += wanted["\(directory)/\(owner).\(kind)"] ?? []
          }
        }
      }
      for text in next {
        guard let unit = UnitName(Self.expand(text, of: name)), seen.insert(unit).inserted else { continue }
        pending.append(unit)
      }
    }
    units = found.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }.map(\.value)
  }

  /// The names in each directory that pulls units in, such as `multi-user.target.wants`.
  private static func wanted(_ tree: RootTree) -> [String: [String]] {
    var names: [String: [String]] = [:]
    for path in tree.sortedPaths {
      let directory = RootTree.parent(of: path)
      guard directories.contains(RootTree.parent(of: directory)) else { continue }
      names[directory, default: []].append(RootTree.name(of: path))
    }
    return names
  }

  /// The unit's file; `nil` if there is none, if it is masked, or if systemd could not read it either.
  private static func load(_ name: UnitName, _ tree: RootTree) -> UnitEnablement.Unit? {
    for name in [name, name.template].compactMap(\.self) {
      for directory in directories {
        // The first place that has the name counts; a link to /dev/null there masks the unit.
        guard tree["\(directory)/\(name.text)"] != nil else { continue }
        guard tree.resolve("\(directory)/\(name.text)") != nil else { return nil }
        return (try? tree.unitFile(name)) ?? nil
      }
    }
    return nil
  }

  private static func activated(by name: UnitName, _ file: UnitFile) -> [String] {
    let stem = name.text.dropLast(name.type.utf8.count)
    switch name.type {
    case "socket":
      // With Accept=yes, each connection is an instance of the template.
      let isPerConnection = ["yes", "true", "on", "1"].contains(file.value("Socket", "Accept") ?? "no")
      let own = isPerConnection ? "\(stem.dropLast())@0.service" : "\(stem)service"
      return [file.value("Socket", "Service") ?? own]
    case "timer": return [file.value("Timer", "Unit") ?? "\(stem)service"]
    case "path": return [file.value("Path", "Unit") ?? "\(stem)service"]
    default: return []
    }
  }

  /// The specifiers for a unit's own name.
  private static func expand(_ text: String, of name: UnitName) -> String {
    text.utf8.contains(UInt8(ascii: "%"))
      ? text.replacing("%i", with: name.instance ?? "").replacing("%I", with: name.instance ?? "")
        .replacing("%p", with: name.prefix)
      : text
  }
}
