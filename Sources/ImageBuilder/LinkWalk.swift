internal import Bytes

/// Where a path leads once every symbolic link on the way is followed inside an image, as the kernel would with the image
/// as its root.
package struct LinkWalk: Sendable {
  /// What is at a path, as far as a walk cares.
  package enum Step: Sendable {
    case directory
    case link(to: String)
    case other
  }

  package enum End: Sendable, Equatable {
    /// The path of what is there, without a leading slash.
    case found(String)
    /// The path that is not there.
    case missing(String)
    /// A link that leads in circles: the 41st, as for the kernel.
    case circular(String)
  }

  package let end: End
  /// The links that were followed, in order.
  package let links: [(path: String, target: String)]

  private static let mostLinks = 40

  /// - Parameters:
  ///   - followLast: whether a link at the end is followed too.
  ///   - look: what is at a path that has no leading slash and no link, `.` or `..` before its last component; `nil` if
  ///     nothing is.
  package init(
    _ path: String, followLast: Bool = true, look: (String) throws -> Step?
  ) rethrows {
    var rest = path.slashSeparated()[...]
    var current: [String] = []
    var links: [(path: String, target: String)] = []
    while let component = rest.popFirst() {
      if component == "." { continue }
      if component == ".." {
        _ = current.popLast()
        continue
      }
      current.append(component)
      let here = current.joined(separator: "/")
      switch try look(here) {
      case .directory: continue
      case .other where rest.isEmpty: continue
      case .link where rest.isEmpty && !followLast: continue
      case nil, .other:
        (end, self.links) = (.missing((current + rest).joined(separator: "/")), links)
        return
      case .link(let target):
        links.append((here, target))
        guard links.count <= Self.mostLinks else {
          (end, self.links) = (.circular(here), links)
          return
        }
        current.removeLast()
        if target.utf8.first == UInt8(ascii: "/") { current = [] }
        rest = (target.slashSeparated() + rest)[...]
      }
    }
    (end, self.links) = (.found(current.joined(separator: "/")), links)
  }

  /// The path of what is there; `nil` if nothing is.
  package var path: String? {
    if case .found(let path) = end { path } else { nil }
  }
}

extension RootTree {
  /// Follows every link on a path.
  func walk(_ path: String) -> LinkWalk {
    LinkWalk(path) { here in
      switch self[here]?.kind {
      case nil: nil
      case .directory: .directory
      case .symlink(let target): .link(to: target)
      case .file: .other
      }
    }
  }

  /// Where a path leads once every symbolic link on the way is followed inside the image; `nil` if it leads to nothing
  /// or in circles.
  package func resolve(_ path: String) -> String? {
    walk(path).path
  }
}
