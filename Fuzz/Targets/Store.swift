@testable internal import BlobStore
@testable internal import Bytes

extension FuzzTarget {
  static let storeTargets = [
    FuzzTarget(
      "store-import", maximumLength: 16384,
      seeds: {
        [
          "blob": storeArchive(files: [("blobs/sha256/ab/\(String(repeating: "cd", count: 31))", [1, 2, 3])]),
          "record": storeArchive(files: [("./records/frame/1-12-ab", [UInt8](repeating: 7, count: 600))]),
        ]
      }
    ) { bytes in
      let bytes = withChecksums(bytes)
      var position = 0
      var reader = ArchiveReader { buffer in
        let count = min(buffer.count, 1000, bytes.count - position)
        bytes.withUnsafeBytes { buffer.copyBytes(from: $0[position..<position + count]) }
        position += count
        return count
      }
      while let entry = try reader.next() {
        require(StorePath(entry.path.text) == entry.path, "a path is written in one way")
        require(entry.size <= entry.path.sizeLimit, "a file is within its limit")
        let header = TarBlock(path: entry.path.text, size: entry.size)
        if let encoded = header.encode() {
          try require(TarBlock(decoding: encoded) == header, "a header that is written is read")
        }
        switch entry.path {
        case .blob: _ = try reader.copy(entry.size, to: nil)
        case .marker: try require(reader.content(entry.size).count == entry.size, "a file has its size")
        case .record(let kind, let key):
          require(BlobStore.isValidName(kind) && BlobStore.isValidName(key), "names lead nowhere else")
          _ = BlobStore.payload(ofRecord: try reader.content(entry.size), kind, key)
        }
      }
      require(position == bytes.count, "the archive is read to its end")
    }
  ]

  private static func storeArchive(files: [(path: String, content: [UInt8])]) -> [UInt8] {
    var bytes: [UInt8] = []
    for (path, content) in [("netimg-store", Array("1\n".utf8))] + files {
      bytes += TarBlock(path: path, size: content.count).encode() ?? []
      bytes += content + [UInt8](repeating: 0, count: TarBlock.padding(after: content.count))
    }
    return bytes + [UInt8](repeating: 0, count: 1024)
  }

  /// The fuzzer cannot guess checksums: each block that would be read as a header gets a right one.
  private static func withChecksums(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    var start = 0
    while start + TarBlock.size <= bytes.count,
      bytes[start..<start + TarBlock.size].contains(where: { $0 != 0 })
    {
      bytes.replaceSubrange(start + 148..<start + 156, with: "        ".utf8)
      let sum = bytes[start..<start + TarBlock.size].reduce(0) { $0 + Int($1) }
      let digits = String(sum, radix: 8)
      let text = String(repeating: "0", count: 6 - digits.utf8.count) + digits
      bytes.replaceSubrange(start + 148..<start + 156, with: Array(text.utf8) + [0, 0x20])
      guard let header = try? TarBlock(decoding: Array(bytes[start..<start + TarBlock.size])),
        header.size < bytes.count
      else { break }
      start += TarBlock.size + header.size + TarBlock.padding(after: header.size)
    }
    return bytes
  }
}
