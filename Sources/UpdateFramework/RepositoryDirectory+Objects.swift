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
}
