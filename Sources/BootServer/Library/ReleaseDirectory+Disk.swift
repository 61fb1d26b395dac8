internal import CPosixShim
internal import Glibc
internal import ImageBuilder

extension ReleaseDirectory {
  /// Puts the directory in its place once all of it is on the disk: its name says that it is there.
  /// - Throws: ``BootServerError`` `.inputOutput`, or what `commit(replacing:)` throws.
  consuming func commitToDisk(as path: String, replacing: Bool) throws {
    let file = netimg_open(temporary, O_RDONLY | O_DIRECTORY, 0)
    let isOnDisk = file >= 0 && netimg_sync_file_system(file) == 0
    let reason = errno
    // On a full disk this is tried again and again: no descriptor may stay behind.
    if file >= 0 { close(file) }
    guard isOnDisk else {
      throw BootServerError(
        .inputOutput, "cannot write \(path): \(String(cString: strerror(reason))); make room")
    }
    let parent = path.utf8.lastIndex(of: UInt8(ascii: "/")).map { String(path[..<$0]) } ?? "."
    try commit(replacing: replacing)
    let folder = netimg_open(parent, O_RDONLY | O_DIRECTORY, 0)
    if folder >= 0 {
      fsync(folder)
      close(folder)
    }
  }
}
