internal import CPosixShim
internal import Glibc

/// Writes the root image of a release as one file, for tools that know EROFS and dm-verity but no frames.
package enum ReleaseExtractor {
  /// Writes the image to `path`, which must not exist. Every frame is checked on the way; after a failure nothing is left.
  package static func writeRootImage(of reader: ReleaseReader, to path: String) throws(BuildError) {
    let index = try reader.index()
    let temporary = "\(path).partial-\(getpid())"
    let file = netimg_open(temporary, O_WRONLY | O_CREAT | O_EXCL, 0o644)
    guard file >= 0 else { throw failure("cannot create \(temporary)") }
    var isDone = false
    defer {
      close(file)
      if !isDone { unlink(temporary) }
    }
    for frame in index.frames {
      let content = try reader.content(of: frame)
      var written = 0
      while written < content.count {
        let count = content[written...].withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { throw failure("cannot write \(temporary)") }
        written += count
      }
    }
    guard netimg_rename_new(temporary, path) == 0 else { throw failure("cannot put the image at \(path)") }
    isDone = true
  }

  private static func failure(_ action: String) -> BuildError {
    BuildError(.inputOutput, "\(action): \(String(cString: strerror(errno)))")
  }
}
