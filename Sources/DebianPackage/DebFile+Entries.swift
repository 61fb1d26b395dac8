internal import Bytes

extension DebFile {
  /// Every path of the data archive, in its order, read in one pass; the archive's own top directory is left out.
  ///
  /// - Parameter wanting: asked for each regular file with its path and size in bytes; the contents of files that
  ///   are not wanted are decompressed but not stored.
  /// - Throws: as ``init(bytes:name:limits:)`` does, and `unsafeLink`; nothing is returned unless the whole stream
  ///   was sound to its last byte.
  package func entries(
    wanting: (_ path: String, _ size: Int) -> Bool
  ) throws(DebianPackageError) -> [DebEntry] {
    try Self.read(data, of: bytes, name: name, limit: limits.totalSize, limits) {
      (tar: inout TarReader) throws(DebianPackageError) in
      var checker = EntryChecker(label: "\(name): \(data.name)", limits: limits)
      var entries: [DebEntry] = []
      var total = 0
      while let header = try tar.next() {
        guard total < limits.entries else {
          throw DebianPackageError(.limit, "\(name): \(data.name) has more than \(limits.entries) members")
        }
        total += 1
        guard let (path, kind) = try checker.admit(header) else { continue }
        var content = kind
        if case .file(let size, _) = kind {
          if wanting(path, size) {
            content = .file(size: size, content: try tar.content(size))
          } else {
            try tar.skip(size)
          }
        }
        entries.append(try checker.entry(path, content, header))
      }
      return entries
    }
  }
}

extension TarHeader {
  /// A regular file: `0`, or the NUL of the oldest tars unless the name ends like a directory's.
  var isRegularFile: Bool { type == 0x30 || (type == 0 && name.last != ASCII.slash) }
  var isHardLink: Bool { type == 0x31 }
  var isSymlink: Bool { type == 0x32 }
  var isDirectory: Bool { type == 0x35 || (type == 0 && name.last == ASCII.slash) }
}

/// Judges the members of one data archive by those before them.
private struct EntryChecker {
  private enum Node {
    case directory
    /// A directory that no member names, but that a path lies below.
    case impliedDirectory
    case file
    case hardLink(to: String)
    case symlink
  }

  let label: String
  let limits: DebLimits
  private var nodes: [ExactString: Node] = [:]
  /// dpkg-deb names every directory; without a bound, deep paths could cost far more memory than their bytes.
  private var impliedDirectories = 0
  private static let maximumImpliedDirectories = 10_000

  init(label: String, limits: DebLimits) {
    self.label = label
    self.limits = limits
  }

  /// Where a member goes and what it is; `nil` for the top directory.
  mutating func admit(_ header: TarHeader) throws(DebianPackageError) -> (String, DebEntry.Kind)? {
    guard let path = try PackagePath.normalised(header.name, in: label, limits) else {
      guard header.isDirectory, header.contentSize == 0 else {
        throw DebianPackageError(.unsafeKind, "\(label): the top is not a directory")
      }
      return nil
    }
    try admitParents(of: path)
    let kind = try kind(of: header, path)
    let key = ExactString(path)
    switch (nodes[key], kind) {
    case (nil, _), (.impliedDirectory, .directory): break
    default: throw DebianPackageError(.duplicate, "\(label) has “\(path)” twice")
    }
    switch kind {
    case .directory: nodes[key] = .directory
    case .file: nodes[key] = .file
    case .symlink: nodes[key] = .symlink
    case .hardLink(let target): nodes[key] = .hardLink(to: target)
    }
    return (path, kind)
  }

  /// The finished entry; owners beyond 32 bits are refused.
  func entry(
    _ path: String, _ kind: DebEntry.Kind, _ header: TarHeader
  ) throws(DebianPackageError) -> DebEntry {
    guard let owner = UInt32(exactly: header.ownerID), let group = UInt32(exactly: header.groupID) else {
      throw DebianPackageError(.limit, "\(label): “\(path)” has an owner or group beyond 32 bits")
    }
    return DebEntry(
      path: path, kind: kind, permissions: UInt16(header.mode & 0o7777), ownerID: owner, groupID: group,
      ownerName: try PackagePath.text(header.ownerName, in: label, limits),
      groupName: try PackagePath.text(header.groupName, in: label, limits))
  }

  /// A path may lie below directories only: below a link it would be written somewhere else.
  private mutating func admitParents(of path: String) throws(DebianPackageError) {
    var parent = path[...]
    while let slash = parent.utf8.lastIndex(of: ASCII.slash) {
      parent = parent[..<slash]
      switch nodes[ExactString(String(parent))] {
      case nil:
        nodes[ExactString(String(parent))] = .impliedDirectory
        impliedDirectories += 1
        guard impliedDirectories <= Self.maximumImpliedDirectories else {
          throw DebianPackageError(
            .limit,
            "\(label) has more than \(Self.maximumImpliedDirectories) directories without a member of their own"
          )
        }
      case .directory, .impliedDirectory: return
      case .file, .hardLink, .symlink:
        throw DebianPackageError(
          .unsafeLink, "\(label): “\(path)” lies below “\(parent)”, which is no directory")
      }
    }
  }

  private func kind(of header: TarHeader, _ path: String) throws(DebianPackageError) -> DebEntry.Kind {
    if header.isRegularFile {
      guard header.contentSize <= limits.fileSize else {
        throw DebianPackageError(.limit, "\(label): “\(path)” is larger than \(limits.fileSize) bytes")
      }
      return .file(size: header.contentSize, content: nil)
    }
    guard header.isDirectory || header.isSymlink || header.isHardLink else {
      throw DebianPackageError(.unsafeKind, "\(label): “\(path)” is \(Self.kindName(header.type))")
    }
    guard header.contentSize == 0 else {
      throw DebianPackageError(.corrupt, "\(label): “\(path)” is no file, but has content")
    }
    if header.isDirectory { return .directory }
    if header.isSymlink {
      let target = try PackagePath.text(header.linkName, in: label, limits)
      guard !target.isEmpty else {
        throw DebianPackageError(.unsafeLink, "\(label): “\(path)” is a symbolic link to nothing")
      }
      return .symlink(target: target)
    }
    return .hardLink(to: try hardLinkTarget(header, path))
  }

  /// The file behind a hard link: it must have come before, so that no link is made to what is elsewhere.
  private func hardLinkTarget(_ header: TarHeader, _ path: String) throws(DebianPackageError) -> String {
    guard header.linkName.first != ASCII.slash,
      let target = try PackagePath.normalised(header.linkName, in: label, limits)
    else {
      throw DebianPackageError(
        .unsafeLink, "\(label): “\(path)” is a hard link to an absolute path or to the top")
    }
    switch nodes[ExactString(target)] {
    case .file: return target
    case .hardLink(let first): return first
    default:
      throw DebianPackageError(
        .unsafeLink, "\(label): “\(path)” is a hard link to “\(target)”, which is no file that came before it"
      )
    }
  }

  private static func kindName(_ type: UInt8) -> String {
    switch type {
    case 0x33: "a character device, which no package may hold"
    case 0x34: "a block device, which no package may hold"
    case 0x36: "a FIFO, which no package may hold"
    case 0x53: "a sparse file, which Debian packages do not have"
    default: "of the tar type \(type), which Debian packages do not have"
    }
  }
}
