internal import Bytes
internal import CPosixShim
internal import DebianArchive
package import FrameFormat
internal import Glibc

/// A release on disk, read without trust: every read says what is wrong with which file.
package struct ReleaseReader: Sendable {
  /// The largest file of a name that is read, in bytes: a release may be hostile, and its files sparse.
  private static func limit(of name: String) -> Int {
    switch name {
    case ReleaseFile.index: RootIndex.maximumSize
    case ReleaseFile.lock: LockFile.maximumSize
    case ReleaseFile.packs, ReleaseFile.sbom: PackList.maximumSize
    // The SBOM again, in base64.
    case ReleaseFile.sbomSignature: 2 * PackList.maximumSize
    case ReleaseFile.uki, ReleaseFile.signedUKI, ReleaseFile.initrd: 1 << 30
    case ReleaseFile.kernel: 256 << 20
    case _ where name.hasPrefix("\(ReleaseFile.frames)/"): FrameCodec.maximumStoredSize
    default: 64 << 20
    }
  }

  /// The release's directory.
  package let directory: String
  package let release: Release
  /// The bytes of release.json.
  package let manifest: [UInt8]

  package init(_ directory: String) throws {
    self.directory = directory
    manifest = try Self.read("\(directory)/\(ReleaseFile.release)", limit: Release.maximumSize)
    release = try Release.decode(manifest, file: "\(directory)/\(ReleaseFile.release)")
  }

  /// A file of the release; its name must be one that a release has.
  package func read(_ name: String) throws(BuildError) -> [UInt8] {
    guard !name.isEmpty,
      !name.slashSeparated(omittingEmpty: false).contains(where: { ["", ".", ".."].contains($0) })
    else {
      throw BuildError(.verification, "\(directory): the release names a file \(name) outside of itself")
    }
    return try Self.read("\(directory)/\(name)", limit: Self.limit(of: name))
  }

  /// The same, but `nil` if there is no such file.
  package func readIfPresent(_ name: String) throws(BuildError) -> [UInt8]? {
    access("\(directory)/\(name)", F_OK) == 0 ? try read(name) : nil
  }

  /// The index, decoded.
  package func index() throws(BuildError) -> RootIndex {
    let bytes = try read(ReleaseFile.index)
    do {
      return try RootIndex.decode(bytes)
    } catch {
      throw BuildError(.verification, "\(directory)/\(ReleaseFile.index): \(error.message)")
    }
  }

  /// A frame's content, checked by its SHA-256.
  package func content(of frame: RootIndex.Frame) throws(BuildError) -> [UInt8] {
    let name = "\(ReleaseFile.frames)/\(frame.digest.hex)"
    let stored = try read(name)
    var failure: FrameFormatError?
    let content = [UInt8](unsafeUninitializedCapacity: frame.size) { buffer, count in
      let output = UnsafeMutableRawBufferPointer(start: buffer.baseAddress, count: frame.size)
      let bytes = stored.span
      count = 0
      do throws(FrameFormatError) {
        try FrameCodec.decompress(bytes, of: frame, into: output)
        count = frame.size
      } catch {
        failure = error
      }
    }
    if let failure { throw BuildError(.verification, "\(directory)/\(name): \(failure.message)") }
    return content
  }

  private static func read(_ path: String, limit: Int) throws(BuildError) -> [UInt8] {
    // A named pipe must not make the reader wait for a writer.
    let file = netimg_open(path, O_RDONLY | O_NONBLOCK, 0)
    guard file >= 0 else {
      throw BuildError(
        errno == ENOENT ? .missingInput : .inputOutput,
        "cannot open \(path): \(String(cString: strerror(errno)))")
    }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, Int(status.st_size) <= limit else {
      throw BuildError(.verification, "\(path) is no regular file of at most \(limit) bytes")
    }
    var failed = false
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(status.st_size)) { buffer, count in
      count = 0
      while count < buffer.count {
        let got = Glibc.read(file, buffer.baseAddress?.advanced(by: count), buffer.count - count)
        if got < 0 && errno == EINTR { continue }
        if got < 0 { failed = true }
        if got <= 0 { return }
        count += got
      }
    }
    guard !failed else { throw BuildError(.inputOutput, "cannot read \(path)") }
    return bytes
  }
}
