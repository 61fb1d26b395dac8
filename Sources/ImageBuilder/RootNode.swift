/// A user or a group: a number, or a name that the image's own accounts resolve.
package enum AccountReference: Sendable, Hashable {
  case number(UInt32)
  case name(String)

  package static let root = AccountReference.number(0)

  /// An account by name; root has its number in every image.
  package init(named name: String) {
    self = name == "root" ? .root : .name(name)
  }
}

/// The input that a path comes from; its files lie together in the root image (design: a pack).
package struct PackName: Sendable, Hashable, Comparable {
  /// What kind of input it is; packs lie in this order, the least often changed first.
  package enum Kind: Int, Sendable, Hashable {
    case package, component, image, stage0, generated
  }

  package let kind: Kind
  package let name: String

  package init(_ kind: Kind, _ name: String) {
    self.kind = kind
    self.name = name
  }

  package static func < (left: PackName, right: PackName) -> Bool {
    if left.kind != right.kind { return left.kind.rawValue < right.kind.rawValue }
    return left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
  }
}

extension PackName: CustomStringConvertible {
  package var description: String {
    switch kind {
    case .package: "package \(name)"
    case .component: "component \(name)"
    case .image: "image \(name)"
    case .stage0: "stage 0"
    case .generated: "netimg"
    }
  }
}

/// One path of the root.
package struct RootNode: Sendable {
  package enum Kind: Sendable {
    case directory
    case file(FileContent)
    case symlink(String)
  }

  package var kind: Kind
  /// Permission bits, 0o7777 at most.
  package var mode: UInt16
  package var owner: AccountReference = .root
  package var group: AccountReference = .root
  /// Extended attributes by full name, such as `security.capability`.
  package var extendedAttributes: [String: [UInt8]] = [:]
  package var pack: PackName
  /// Whether dpkg calls it a conffile, which a component may replace.
  package var isConfigurationFile = false

  package init(_ kind: Kind, mode: UInt16, pack: PackName) {
    self.kind = kind
    self.mode = mode
    self.pack = pack
  }

  package var isDirectory: Bool {
    if case .directory = kind { true } else { false }
  }

  /// Whether mode, owner and group are another node's.
  package func hasAccess(of other: RootNode) -> Bool {
    mode == other.mode && owner == other.owner && group == other.group
  }

  /// The bytes, if this is a regular file.
  package var bytes: [UInt8]? {
    if case .file(let content) = kind { content.bytes } else { nil }
  }
}
