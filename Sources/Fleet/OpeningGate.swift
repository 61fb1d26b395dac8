internal import CPosixShim
internal import Glibc

/// One process at a time opens a store that may not be there yet; and the file is made as its directory says: where a
/// group may write, it may write this too. SQLite gives its log the same mode.
struct OpeningGate: ~Copyable {
  private let directory: Int32

  /// Waits for whoever is opening it. What cannot be done here is for SQLite to say.
  init(path: String) {
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    let folder = slash.map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
    directory = netimg_open(folder, O_RDONLY | O_DIRECTORY, 0)
    guard directory >= 0 else { return }
    while flock(directory, LOCK_EX) != 0, errno == EINTR {}
    var status = stat()
    guard fstat(directory, &status) == 0, status.st_mode & S_IWGRP != 0 else { return }
    let file = netimg_open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o660)
    guard file >= 0 else { return }
    // Whatever the umask says.
    fchmod(file, 0o660)
    close(file)
  }

  borrowing func open() {
    guard directory >= 0 else { return }
    // A child process between fork and exec shares the open file: closing alone would leave it locked.
    flock(directory, LOCK_UN)
    close(directory)
  }
}
