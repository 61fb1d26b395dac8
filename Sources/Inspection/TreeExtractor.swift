internal import Bytes
internal import CPosixShim
internal import Glibc
internal import ImageBuilder
internal import ImageFormat

/// Writes paths of a root image below a directory, and nowhere else: every step goes through a directory's descriptor
/// and refuses links, so nothing in the image, and no link that is there already, leads outside.
package struct TreeExtractor {
  /// What was written.
  package struct Report: Encodable, Sendable {
    package var files = 0
    package var directories = 0
    package var links = 0
    package var bytes: UInt64 = 0
  }

  private let image: ReleaseImage
  private let destination: DirectoryHandle
  private let isRoot = geteuid() == 0
  private var report = Report()
  /// The first name of each inode with several.
  private var firstNames: [UInt64: String] = [:]

  /// Extracts paths, each with all below it; everything if none is given. Owners, capabilities and set-ID bits are
  /// kept where the caller is root.
  ///
  /// - Throws: `notFound` before anything is written; `inTheWay`, `inputOutput`, or what reading throws.
  package static func extract(_ paths: [String], of image: ReleaseImage, to directory: String) throws
    -> Report
  {
    let nodes = try selection(paths, image)
    if mkdir(directory, 0o755) != 0, errno != EEXIST { throw failure("cannot create \(directory)") }
    var extractor = TreeExtractor(image: image, destination: try DirectoryHandle(directory))
    for node in nodes { try extractor.write(node) }
    // Last, and the deepest first: a directory may end up read-only, and its time is that of its last entry.
    for node in nodes.reversed() where node.kind == .directory { try extractor.finish(node) }
    return extractor.report
  }

  private init(image: ReleaseImage, destination: DirectoryHandle) {
    self.image = image
    self.destination = destination
  }

  private static func selection(_ paths: [String], _ image: ReleaseImage) throws -> [EROFSReader.Node] {
    let all = image.nodes.filter { !$0.pathBytes.isEmpty }
    guard !paths.isEmpty else { return all }
    var wanted: Set<String> = []
    for path in paths { wanted.insert(try image.resolve(path, followLast: false).path) }
    if wanted.contains("") { return all }
    return all.filter { node in
      let path = node.path
      if wanted.contains(path) { return true }
      // Above or below something that is wanted.
      return wanted.contains {
        path.hasPrefix($0 + "/") || node.kind == .directory && $0.hasPrefix(path + "/")
      }
    }
  }

  private mutating func write(_ node: EROFSReader.Node) throws {
    let (parent, name) = try place(node.path)
    switch node.kind {
    case .directory:
      if mkdirat(parent.descriptor, name, 0o700) != 0 {
        // Someone's own directory is fine; anything else is refused when it is opened.
        guard errno == EEXIST else { throw Self.failure("cannot create /\(node.path)") }
      }
      report.directories += 1
    case .symlink:
      let target = String(decoding: try image.files.target(of: node), as: UTF8.self)
      guard symlinkat(target, parent.descriptor, name) == 0 else {
        throw Self.failure("cannot create /\(node.path)")
      }
      if isRoot { _ = fchownat(parent.descriptor, name, node.owner, node.group, AT_SYMLINK_NOFOLLOW) }
      report.links += 1
    case .file:
      if let first = firstNames[node.inode] { return try link(node, to: first, in: parent, name) }
      if node.links > 1 { firstNames[node.inode] = node.path }
      try writeFile(node, in: parent, name)
      report.files += 1
      report.bytes += node.size
    case .special:
      throw InspectionError(
        .inconsistent, "/\(node.path) is a device or a socket, which no image of netimg has")
    }
  }

  private func link(_ node: EROFSReader.Node, to first: String, in parent: DirectoryHandle, _ name: String)
    throws
  {
    let (directory, firstName) = try place(first)
    guard linkat(directory.descriptor, firstName, parent.descriptor, name, 0) == 0 else {
      throw Self.failure("cannot create /\(node.path)")
    }
  }

  private func writeFile(_ node: EROFSReader.Node, in parent: DirectoryHandle, _ name: String) throws {
    let file = openat(parent.descriptor, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard file >= 0 else { throw Self.failure("cannot create /\(node.path)") }
    defer { close(file) }
    try image.files.forEachPiece(of: node) { piece in
      var rest = piece[...]
      while !rest.isEmpty {
        let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw Self.failure("cannot write /\(node.path)") }
        rest = rest.dropFirst(count)
      }
    }
    if isRoot {
      // Before the mode and the attributes: a change of owner takes set-ID bits and capabilities away.
      guard fchown(file, node.owner, node.group) == 0 else {
        throw Self.failure("cannot give away /\(node.path)")
      }
      for attribute in try image.files.attributes(of: node) {
        let status = attribute.value.withUnsafeBytes {
          fsetxattr(file, attribute.name, $0.baseAddress, $0.count, 0)
        }
        guard status == 0 else { throw Self.failure("cannot set \(attribute.name) of /\(node.path)") }
      }
    }
    guard fchmod(file, mode(of: node)) == 0 else {
      throw Self.failure("cannot set the mode of /\(node.path)")
    }
    Self.setTime(of: file, node)
  }

  private func finish(_ node: EROFSReader.Node) throws {
    let directory = try destination.descend(node.path.slashSeparated())
    if isRoot, fchown(directory.descriptor, node.owner, node.group) != 0 {
      throw Self.failure("cannot give away /\(node.path)")
    }
    guard fchmod(directory.descriptor, mode(of: node)) == 0 else {
      throw Self.failure("cannot set the mode of /\(node.path)")
    }
    Self.setTime(of: directory.descriptor, node)
  }

  /// Another user's set-ID program would get this user's rights.
  private func mode(of node: EROFSReader.Node) -> mode_t {
    mode_t(isRoot ? node.permissions : node.permissions & 0o1777)
  }

  private func place(_ path: String) throws -> (parent: DirectoryHandle, name: String) {
    var components = path.slashSeparated()
    guard let name = components.popLast() else {
      throw InspectionError(.inconsistent, "the image has a path without a name")
    }
    return (try destination.descend(components), name)
  }

  private static func setTime(of file: Int32, _ node: EROFSReader.Node) {
    let time = timespec(tv_sec: Int(clamping: node.modificationTime), tv_nsec: 0)
    _ = futimens(file, [time, time])
  }

  static func failure(_ action: String) -> InspectionError {
    InspectionError(
      errno == EEXIST || errno == ELOOP || errno == ENOTDIR ? .inTheWay : .inputOutput,
      "\(action): \(String(cString: strerror(errno))); extract into an empty directory")
  }
}
