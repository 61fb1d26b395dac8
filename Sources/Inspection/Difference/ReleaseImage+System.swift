internal import ImageBuilder
internal import ImageFormat
internal import NativeActions

extension ReleaseImage {
  /// What a boot can start, and where that listens.
  struct System {
    /// The path of each unit's file by its name.
    let units: [String: String]
    /// Who listens, by address.
    let listeners: [String: String]
  }

  func system() throws -> System {
    let reachable = ReachableUnits(try unitTree()).units
    var units: [String: String] = [:]
    var listeners: [String: Set<String>] = [:]
    for unit in reachable {
      units[unit.name.text] = unit.path
      for address in ListeningSocket.addresses(of: unit) {
        listeners[address, default: []].insert(unit.name.text)
      }
    }
    return System(
      units: units, listeners: listeners.mapValues { $0.sorted().joined(separator: ", ") })
  }

  /// A tree with everything that leads to units; of other files only that they are there.
  private func unitTree() throws -> RootTree {
    var tree = RootTree()
    let pack = PackName(.image, release.name)
    for node in nodes {
      let path = node.path
      let isUnit =
        path.hasPrefix("etc/systemd/") || path.hasPrefix("usr/lib/systemd/system/")
      let kind: RootNode.Kind
      switch node.kind {
      case .directory: kind = .directory
      case .symlink: kind = .symlink(String(decoding: try files.target(of: node), as: UTF8.self))
      case .file: kind = .file(FileContent(isUnit ? try bytes(of: node) : []))
      case .special: continue
      }
      tree[path] = RootNode(kind, mode: node.permissions, pack: pack)
    }
    return tree
  }
}
