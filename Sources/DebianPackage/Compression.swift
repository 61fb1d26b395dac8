/// The compressions that Debian's files come in.
package enum Compression: String, Sendable, CaseIterable {
  case none, gzip, xz, zstd, bzip2

  /// The file name ending that stands for it, with its dot; empty for none.
  package var fileExtension: String {
    switch self {
    case .none: ""
    case .gzip: ".gz"
    case .xz: ".xz"
    case .zstd: ".zst"
    case .bzip2: ".bz2"
    }
  }

  /// What the end of a file's name promises; a name with another ending is not compressed.
  package init(fileName: String) {
    self = Self.allCases.first { $0 != .none && fileName.hasSuffix($0.fileExtension) } ?? .none
  }
}

/// Decompresses whole files: a module's `.ko.xz`, an index's `Packages.xz`.
package enum Decompressor {
  /// Decompresses `bytes`, which must be one sound stream from the first byte to the last.
  ///
  /// - Parameter limit: how many bytes may come out; more is refused before it is stored.
  /// - Parameter name: how the sentences of errors call the input.
  /// - Throws: `corrupt` for a stream that is truncated, damaged, followed by something else or not of this
  ///   compression; `limit` for one that grows beyond `limit`.
  package static func decompress(
    _ bytes: [UInt8], as compression: Compression, limit: Int, name: String
  ) throws(DebianPackageError) -> [UInt8] {
    try bytes.withUnsafeBufferPointer { (buffer) throws(DebianPackageError) in
      var stream = try DecompressionStream.open(
        UnsafeRawBufferPointer(buffer), as: compression, limit: limit, ratio: nil, name: name)
      var output: [UInt8] = []
      while let block = try stream.next() { output.append(contentsOf: block) }
      return output
    }
  }
}
