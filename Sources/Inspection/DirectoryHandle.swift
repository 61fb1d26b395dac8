internal import Glibc

/// An open directory, closed with its last user.
final class DirectoryHandle {
  let descriptor: Int32

  /// The directory at a path of the caller's own choice.
  init(_ path: String) throws {
    descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw TreeExtractor.failure("cannot open \(path)") }
  }

  private init(_ name: String, in parent: DirectoryHandle) throws {
    descriptor = openat(parent.descriptor, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    guard descriptor >= 0 else { throw TreeExtractor.failure("cannot open the directory \(name)") }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// A directory below this one, one name at a time; a link on the way is refused.
  func descend(_ names: [String]) throws -> DirectoryHandle {
    var directory = self
    for name in names {
      guard name != "..", name != ".", !name.isEmpty else {
        throw InspectionError(.inconsistent, "the image has a directory named \(name)")
      }
      directory = try DirectoryHandle(name, in: directory)
    }
    return directory
  }
}
