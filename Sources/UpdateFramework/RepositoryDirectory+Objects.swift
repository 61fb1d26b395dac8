internal import CPosixShim
internal import Glibc

extension RepositoryDirectory {
  /// Changes a file below the repository's directory that may be changed, while nobody else does.
  /// - Parameter change: Gets the bytes that are there; `nil` if there are none.
  /// - Returns: Whether it was written.
  /// - Throws: What `change` throws, `conflict` if somebody else is at work for ten seconds, `tooLarge`, `localStorage`.
  package func updateObject(
    at name: String, limit: Int, _ change: ([UInt8]?) throws -> [UInt8]
  ) throws -> Bool {
    let lock = try lock()
    defer { lock.release() }
    let present = try readObject(at: name, limit: limit)
    let bytes = try change(present)
    guard bytes != present else { return false }
    return try addObject(bytes, at: name, replaces: true)
  }

  /// Removes what writers left behind that were killed: in `metadata` all of it, which only holders of the lock write there;
  /// in `targets` what is older than a day, for others may be at work.
  package func removeLeftovers() throws(UpdateError) {
    let lock = try lock()
    defer { lock.release() }
    Self.removeLeftovers(in: metadata, before: .max, depth: 0)
    Self.removeLeftovers(in: "\(path)/targets", before: time(nil) - 86400, depth: 8)
  }

  private static func removeLeftovers(in directory: String, before limit: Int, depth: Int) {
    guard let stream = opendir(directory) else { return }
    defer { closedir(stream) }
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      let path = "\(directory)/\(name)"
      var status = stat()
      guard name != ".", name != "..", lstat(path, &status) == 0 else { continue }
      if status.st_mode & S_IFMT == S_IFDIR {
        if depth > 0 { removeLeftovers(in: path, before: limit, depth: depth - 1) }
      } else if name.hasPrefix("%."), name.hasSuffix(".part"), status.st_mtim.tv_sec < limit {
        unlink(path)
      }
    }
  }
}
