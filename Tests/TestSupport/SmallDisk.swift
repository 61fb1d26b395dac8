import FoundationEssentials
import Glibc

/// A file system of a few megabytes, for the time of a closure.
package enum SmallDisk {
  package struct Failure: Error {}

  /// Root may mount, unless a container forbids it: only trying tells.
  package static let isAvailable: Bool = {
    guard geteuid() == 0 else { return false }
    let path = FileManager.default.temporaryDirectory.path + "/netimg-probe-\(UUID().uuidString)"
    guard mkdir(path, 0o700) == 0 else { return false }
    defer { rmdir(path) }
    guard mount("tmpfs", path, "tmpfs", 0, "size=65536") == 0 else { return false }
    return umount(path) == 0
  }()

  /// Bytes that can still be written; `nil` if the path is none.
  package static func freeBytes(at path: String) -> Int? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return Int(status.f_bavail) * Int(status.f_bsize)
  }

  /// Gives it another size.
  package static func resize(_ path: String, bytes: Int) throws {
    guard mount("tmpfs", path, "tmpfs", UInt(MS_REMOUNT), "size=\(bytes)") == 0 else { throw Failure() }
  }

  /// Mounts it at a path that does not exist yet.
  package static func with<Result>(
    at path: String, bytes: Int, _ body: (String) async throws -> Result
  ) async throws -> Result {
    guard mkdir(path, 0o700) == 0, mount("tmpfs", path, "tmpfs", 0, "size=\(bytes)") == 0 else {
      throw Failure()
    }
    defer { umount2(path, Int32(MNT_DETACH)) }
    return try await body(path)
  }
}
