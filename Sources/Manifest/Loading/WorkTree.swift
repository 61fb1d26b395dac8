internal import Glibc

/// The files of a directory on disk, as they are now.
///
/// Every directory on the way to a file is opened by itself and must not be a symbolic link: what another
/// process does to the tree meanwhile cannot lead a read out of the root either.
package struct WorkTree: SourceTree {
  /// The largest file that is read, in bytes.
  package static let maximumFileSize = 64 << 20

  /// The directory's path on disk.
  package let root: String

  /// The tree below `root`, a path on disk, absolute or from the current directory.
  package init(root: String) {
    self.root = root
  }

  package func file(at path: String) throws -> SourceFile? {
    do {
      let name = try name(of: path)
      let parent = try open(SourcePath.directory(of: path))
      let status = try parent.status(of: name)
      guard status.st_mode & S_IFMT == S_IFREG else {
        throw problem(path, "it is no regular file", suggestion: "name a file; links are not followed")
      }
      let descriptor = try FileDescriptor(entry: name, of: parent, isDirectory: false)
      // Another file may have taken the place of the one that was looked at.
      let opened = try descriptor.status()
      guard opened.st_mode & S_IFMT == S_IFREG else { throw problem(path, "it is no regular file") }
      guard let bytes = try descriptor.contents(limit: Self.maximumFileSize) else {
        throw problem(path, "it has more than the \(Self.maximumFileSize) bytes a source may have")
      }
      return SourceFile(bytes: bytes, isExecutable: opened.st_mode & S_IXUSR != 0)
    } catch let error as PosixError {
      return try absence(at: path, error)
    }
  }

  package func list(_ directory: String) throws -> [SourceEntry] {
    do {
      let descriptor = try open(directory)
      let names = try descriptor.entryNames()
      return try names.sorted { $0.lexicographicallyPrecedes($1) }.map { bytes in
        guard let name = String(validating: bytes, as: UTF8.self) else {
          throw problem(
            directory, "the name \"\(String(decoding: bytes, as: UTF8.self))\" in it is not valid UTF-8")
        }
        return SourceEntry(name: name, kind: try kind(of: name, in: descriptor, directory))
      }
    } catch let error as PosixError {
      return try absence(at: directory, error) ?? []
    }
  }

  private func kind(
    of name: String, in descriptor: borrowing FileDescriptor, _ directory: String
  ) throws -> SourceEntry.Kind {
    switch try descriptor.status(of: name).st_mode & S_IFMT {
    case S_IFREG: return .file
    case S_IFDIR: return .directory
    case S_IFLNK:
      guard let target = String(validating: try descriptor.target(of: name), as: UTF8.self) else {
        throw problem(SourcePath.join(directory, name), "the link's target is not valid UTF-8")
      }
      return .symlink(target: target)
    default:
      throw problem(
        SourcePath.join(directory, name), "it is neither a file, a directory nor a symbolic link",
        suggestion: "remove it")
    }
  }

  /// The last component of a path.
  private func name(of path: String) throws -> String {
    let name = path.utf8.split(separator: UInt8(ascii: "/")).last.map { String(decoding: $0, as: UTF8.self) }
    guard let name else { throw problem(path, "it names no file") }
    return name
  }

  /// A directory of the tree, open.
  private func open(_ path: String) throws -> FileDescriptor {
    guard SourcePath.resolve(path, from: "")?.utf8.elementsEqual(path.utf8) == true else {
      throw problem(path, "it is not a path from the repository root")
    }
    var descriptor = try FileDescriptor(directory: root)
    for component in path.utf8.split(separator: UInt8(ascii: "/")) {
      let name = String(decoding: component, as: UTF8.self)
      descriptor = try FileDescriptor(entry: name, of: descriptor, isDirectory: true)
    }
    return descriptor
  }

  /// `nil` if nothing is there; throws for what is there and cannot be read.
  private func absence<Value>(at path: String, _ error: PosixError) throws -> Value? {
    switch error.number {
    case ENOENT: return nil
    case ELOOP, ENOTDIR:
      throw problem(
        path, "there is a symbolic link or a file where a directory belongs",
        suggestion: "links are not followed: name the file itself")
    default: throw problem(path, "\(error)")
    }
  }

  private func problem(_ path: String, _ message: String, suggestion: String? = nil) -> ManifestError {
    ManifestError(.init(.unreadable, at: SourceLocation(file: path), message, suggestion: suggestion))
  }
}
