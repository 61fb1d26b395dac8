internal import Bytes
internal import DebianArchive
internal import ImageBuilder
internal import ImageFormat

/// Why a path is in an image: from the file, by its pack and package, to who asked for it.
package struct Explanation: Encodable, Sendable {
  /// A Debian package, and the archive that vouched for it.
  package struct Package: Encodable, Sendable {
    package let name: String
    package let version: String
    package let architecture: String
    package let source: String
    /// The .deb below the archive's base, and its digest.
    package let file: String
    package let sha256: String
    package let archive: String
    /// The archive's suites in the lock; one of them lists the package.
    package let suites: [Suite]
  }

  /// An archive's suite, as its keys signed it.
  package struct Suite: Encodable, Sendable {
    package let suite: String
    /// When the archive made what it signed (RFC 3339).
    package let signed: String
    /// SHA-256 of the InRelease file.
    package let inRelease: String
  }

  /// What the path ends at, from the root.
  package let path: String
  /// The links that were followed.
  package let links: [String]
  /// `file`, `directory`, `link` or `special`.
  package let kind: String
  package let size: UInt64
  /// Four octal digits.
  package let mode: String
  package let owner: UInt32
  package let group: UInt32
  /// Where a link leads.
  package let target: String?
  package let sha256: String?
  /// File capabilities.
  package let capabilities: [String]
  /// Such as `package systemd`, `component base`.
  package let pack: String
  package let package: Package?
  /// From who asked for it to what is here.
  package let why: [String]

  /// - Throws: `notFound`, and what reading throws.
  package init(_ path: String, in image: ReleaseImage) throws {
    // A link that leads nowhere is still something to explain.
    let resolution =
      try (try? image.resolve(path, followLast: true)) ?? image.resolve(path, followLast: false)
    guard let node = image.node(resolution.path) else {
      throw InspectionError(.notFound, "/\(resolution.path) is not in \(image.reader.directory)")
    }
    self.path = "/\(resolution.path)"
    links = resolution.links
    size = node.size
    mode = ModeText.octal(node.permissions)
    owner = node.owner
    group = node.group
    target = node.kind == .symlink ? String(decoding: try image.files.target(of: node), as: UTF8.self) : nil
    sha256 = node.kind == .file ? try image.files.contents(of: node).digest.hex : nil
    capabilities = try image.capabilities(of: node)
    kind =
      switch node.kind {
      case .file: "file"
      case .directory: "directory"
      case .symlink: "link"
      case .special: "special"
      }
    let pack = image.packs.packs.first { $0.paths.contains { $0.isExactly(resolution.path) } }
    guard let pack else {
      self.pack = "netimg"
      package = nil
      why = ["every image has it"]
      return
    }
    guard pack.kind == "package", let locked = image.lock.package(named: pack.name) else {
      self.pack = pack.kind == "generated" ? "netimg" : "\(pack.kind) \(pack.name)"
      package = nil
      why = Self.reason(pack, path: resolution.path, image)
      return
    }
    self.pack = "package \(pack.name)"
    package = Package(
      name: locked.name, version: locked.version, architecture: locked.architecture, source: locked.source,
      file: locked.path, sha256: locked.digest.hex, archive: locked.archive,
      suites: image.lock.archives.filter { $0.archive == locked.archive }.map {
        Suite(suite: $0.suite, signed: $0.date.description, inRelease: $0.digest.hex)
      })
    why = Self.chain(locked.why, image)
  }

  /// A package's reasons in the lock, and before them how the image came to the component that asks first.
  private static func chain(_ reasons: [String], _ image: ReleaseImage) -> [String] {
    let words = (reasons.first ?? "").split(separator: " ")
    guard words.count > 2, words[0] == "component" else { return reasons }
    return component(String(words[1]), image) + reasons
  }

  private static func component(_ name: String, _ image: ReleaseImage) -> [String] {
    image.packs.components?.first { $0.name == name }?.why ?? []
  }

  private static func reason(_ pack: PackList.Pack, path: String, _ image: ReleaseImage) -> [String] {
    switch pack.kind {
    case "component": component(pack.name, image) + ["images/\(pack.name) declares it"]
    case "image": ["\(image.release.source.manifest) declares it"]
    case "stage0": ["netimg puts its first program of the initrd into every image, for reference"]
    default: [GeneratedFile.reason(path)]
    }
  }
}
