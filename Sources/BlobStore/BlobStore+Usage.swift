extension BlobStore {
  /// What lies in a store.
  package struct Usage: Sendable, Equatable, Encodable {
    /// A number of files and their bytes.
    package struct Amount: Sendable, Equatable, Encodable {
      package var count = 0
      package var bytes = 0
    }

    package var blobs = Amount()
    /// Records by kind.
    package var records: [String: Amount] = [:]
    /// Downloads that are under way or were broken off.
    package var partial = Amount()
    /// Entries that failed their check.
    package var corrupt = Amount()

    /// What garbage collection counts.
    package var bytes: Int { records.values.reduce(blobs.bytes) { $0 + $1.bytes } }
  }

  /// Counts everything in this very store.
  package func usage() throws -> Usage {
    func amount(_ directory: String) throws -> Usage.Amount {
      var amount = Usage.Amount()
      for name in try FileSystem.names(in: directory) {
        guard let status = FileSystem.status("\(directory)/\(name)"), status.isRegular else { continue }
        amount.count += 1
        amount.bytes += status.size
      }
      return amount
    }
    var usage = Usage()
    for prefix in try FileSystem.names(in: "\(root)/blobs/sha256") {
      guard FileSystem.isDirectory("\(root)/blobs/sha256/\(prefix)") else { continue }
      let part = try amount("\(root)/blobs/sha256/\(prefix)")
      usage.blobs.count += part.count
      usage.blobs.bytes += part.bytes
    }
    for kind in try FileSystem.names(in: "\(root)/records") {
      guard FileSystem.isDirectory("\(root)/records/\(kind)") else { continue }
      usage.records[kind] = try amount("\(root)/records/\(kind)")
    }
    usage.partial = try amount("\(root)/partial")
    usage.corrupt = try amount("\(root)/corrupt")
    return usage
  }
}
