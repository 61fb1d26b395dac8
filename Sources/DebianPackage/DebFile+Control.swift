extension DebFile {
  /// Every file of the control archive, by name: all lie flat at its top.
  static func controlFiles(
    _ bytes: [UInt8], _ member: ArchiveMembers.Member, _ name: String, _ limits: DebLimits
  ) throws(DebianPackageError) -> [String: [UInt8]] {
    try read(member, of: bytes, name: name, limit: limits.controlSize, limits) {
      (tar: inout TarReader) throws(DebianPackageError) in
      var files: [String: [UInt8]] = [:]
      var count = 0
      while let header = try tar.next() {
        count += 1
        guard count <= 1024 else {
          throw DebianPackageError(.limit, "\(name): \(member.name) has more than 1024 members")
        }
        let label = "\(name): \(member.name)"
        guard let path = try PackagePath.normalised(header.name, in: label, limits) else {
          try tar.skip(header.contentSize)
          continue
        }
        guard header.isRegularFile, !path.contains("/") else {
          throw DebianPackageError(.unsafeKind, "\(label): “\(path)” is not a plain file at the top")
        }
        guard files[path] == nil else {
          throw DebianPackageError(.duplicate, "\(label) has “\(path)” twice")
        }
        guard header.contentSize <= limits.controlSize else {
          throw DebianPackageError(.limit, "\(label): “\(path)” is larger than \(limits.controlSize) bytes")
        }
        files[path] = try tar.content(header.contentSize)
      }
      return files
    }
  }

  /// deb-conffiles(5): an absolute path a line, with an optional flag before it.
  static func conffiles(
    _ text: [UInt8], _ name: String, _ limits: DebLimits
  ) throws(DebianPackageError) -> [String] {
    var paths: [String] = []
    for (index, line) in text.split(separator: ASCII.newline, omittingEmptySubsequences: false).enumerated() {
      let words = line.split(whereSeparator: ASCII.isBlank)
      guard let first = words.first else { continue }
      let label = "\(name): conffiles:\(index + 1)"
      if first.first == ASCII.slash {
        let trimmed = line[..<((line.lastIndex { !ASCII.isBlank($0) }).map { $0 + 1 } ?? line.endIndex)]
        guard let path = try PackagePath.normalised(Array(trimmed), in: label, limits) else {
          throw DebianPackageError(.unsafePath, "\(label) names the root directory")
        }
        paths.append(path)
      } else if !first.elementsEqual("remove-on-upgrade".utf8) {
        throw DebianPackageError(.malformedControl, "\(label) is neither an absolute path nor a known flag")
      }
    }
    return paths
  }

  /// Runs `body` over the tar archive in a member.
  static func read<Result>(
    _ member: ArchiveMembers.Member, of bytes: [UInt8], name: String, limit: Int, _ limits: DebLimits,
    _ body: (inout TarReader) throws(DebianPackageError) -> Result
  ) throws(DebianPackageError) -> Result {
    try bytes.withUnsafeBufferPointer { (buffer) throws(DebianPackageError) in
      let label = "\(name): \(member.name)"
      let stream = try DecompressionStream.open(
        UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: buffer[member.range])),
        as: Compression(fileName: member.name), limit: limit, ratio: limits.compressionRatio, name: label)
      var tar = TarReader(stream, label: label, maximumName: limits.pathLength)
      return try body(&tar)
    }
  }
}
