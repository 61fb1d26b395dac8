import BlobStore
import Bytes
import FoundationEssentials
import Glibc
import TestSupport

/// Bytes that differ by seed and do not repeat with a short period.
func pattern(_ count: Int, seed: UInt8 = 1) -> [UInt8] {
  var state = UInt64(seed) &* 0x9e37_79b9_7f4a_7c15
  return (0..<count).map { _ in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return UInt8(truncatingIfNeeded: state >> 33)
  }
}

/// A store of the test's own.
func withStore(_ body: (BlobStore) async throws -> Void) async throws {
  try await withScratchDirectory { directory in
    try await body(BlobStore(root: directory.appending(path: "store").path))
  }
}

func names(_ directory: String) throws -> [String] {
  try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
}

/// What is in the store's working directories: nothing, once everybody has finished.
func leftovers(_ store: BlobStore) throws -> [String] {
  try ["temporary", "partial", "corrupt"].flatMap { directory in
    try names("\(store.root)/\(directory)").map { "\(directory)/\($0)" }
  }
}

/// Changes one bit of a file in place.
func flipBit(_ path: String, byte: Int, bit: UInt8 = 0) throws {
  var bytes = [UInt8](try Data(contentsOf: URL(filePath: path)))
  bytes[byte] ^= 1 << bit
  try Data(bytes).write(to: URL(filePath: path))
}

/// Sets when a file was last used.
func setAge(_ path: String, seconds: Int) {
  let moment = timespec(tv_sec: time(nil) - seconds, tv_nsec: 0)
  utimensat(AT_FDCWD, path, [moment, moment], 0)
}

func modified(_ path: String) -> Int {
  var status = stat()
  return stat(path, &status) == 0 ? Int(status.st_mtim.tv_sec) : -1
}

/// The code of the `StoreError` that the body throws; `nil` if it throws none.
func storeError(_ body: () throws -> Void) -> StoreError? {
  do {
    try body()
    return nil
  } catch {
    return error as? StoreError
  }
}

/// Whether this process may mount file systems: root in a container often may not.
let canMount: Bool = {
  guard geteuid() == 0 else { return false }
  let path = "/tmp/netimg-mount-\(getpid())"
  guard mkdir(path, 0o755) == 0 else { return false }
  defer { rmdir(path) }
  guard mount("tmpfs", path, "tmpfs", 0, "size=64k") == 0 else { return false }
  return umount2(path, Int32(MNT_DETACH)) == 0
}()

/// A small file system in memory, mounted while the body runs.
func withSmallDisk(_ size: String, _ body: (String) async throws -> Void) async throws {
  try await withScratchDirectory { directory in
    let path = directory.path
    guard mount("tmpfs", path, "tmpfs", 0, "size=\(size),mode=0755") == 0 else {
      throw MountFailed(cause: errno)
    }
    defer { umount2(path, Int32(MNT_DETACH)) }
    try await body(path)
  }
}

struct MountFailed: Error { let cause: Int32 }

func remountReadOnly(_ path: String) throws {
  let flags = UInt(MS_REMOUNT) | UInt(MS_RDONLY)
  guard mount("tmpfs", path, "tmpfs", flags, nil) == 0 else { throw MountFailed(cause: errno) }
}
