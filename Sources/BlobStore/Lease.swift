package import Bytes
internal import Glibc

/// While it lives, garbage collection spares whatever has been used since it began.
///
/// It is a file in `leases` with a lock on it, which the kernel drops when the process dies: there is nothing to clean
/// up after a crash, and nothing to wait for.
package final class Lease: Sendable {
  private let path: String
  private let file: OpenFile

  fileprivate init(_ path: String, _ file: consuming OpenFile) {
    self.path = path
    self.file = file
  }

  deinit { unlink(path) }
}

extension BlobStore {
  /// Begins a use of the store, waiting while garbage is being collected. `nil` where the store cannot be written, so
  /// that nobody can collect garbage there either, or not from here.
  ///
  /// - Parameter digests: blobs that will be used later, and count as used now.
  package func lease(for digests: [SHA256Digest] = []) -> Lease? {
    guard let gate = try? gate(isExclusive: false) else { return nil }
    defer { extend(gate) }
    let path = "\(root)/leases/\(Self.uniqueName())"
    guard let file = try? OpenFile(path, O_RDWR | O_CREAT | O_EXCL, action: "write"),
      (try? file.lock(waiting: false)) == true
    else { return nil }
    for digest in digests { _ = contains(digest) }
    return Lease(path, file)
  }

  /// The lock that a collector holds alone, and that builds pass through when they begin.
  func gate(isExclusive: Bool) throws -> OpenFile {
    // Stores of older versions have no such directory.
    try FileSystem.makeDirectory("\(root)/leases")
    let file = try OpenFile("\(root)/leases/.gate", O_RDWR | O_CREAT, action: "lock")
    try file.lockGate(isExclusive: isExclusive)
    return file
  }

  /// When the oldest lease that is still held began, in seconds since 1970. Removes those that nobody holds.
  func oldestLease() throws -> Int? {
    var oldest: Int?
    for name in try FileSystem.names(in: "\(root)/leases") where name != ".gate" {
      let path = "\(root)/leases/\(name)"
      guard let file = try? OpenFile(path, O_RDWR, action: "lock") else { continue }
      let status = try file.status()
      if try file.lock(waiting: false) {
        unlink(path)
      } else {
        oldest = min(oldest ?? status.modified, status.modified)
      }
    }
    return oldest
  }

  /// Keeps an open file, and with it its lock, alive up to here.
  func extend(_ file: borrowing OpenFile) {}
}
