internal import Bytes
internal import CPosixShim
internal import DebianPackage

extension PackagePool {
  /// What an index says about where a package is.
  struct Location {
    let index: PackageIndex
    let architecture: String
    let path: String
    let size: Int
    let digest: SHA256Digest
    let source: String
  }

  /// Reads packages' paragraphs again, with the strict parser.
  /// - Throws: `malformedIndex` if a field is missing or unsafe.
  func locations(of ids: [Int32]) throws(ArchiveError) -> [Int32: Location] {
    var locations: [Int32: Location] = [:]
    var starts: [Int: [Int]] = [:]
    for id in ids {
      guard let (index, number) = position(of: id) else { continue }
      let known = starts[index] ?? Self.paragraphStarts(indexes[index].text)
      starts[index] = known
      guard number + 1 < known.count else { throw mismatch(id, indexes[index]) }
      let bytes = Array(indexes[index].text[known[number]..<known[number + 1]])
      locations[id] = try location(id, bytes, indexes[index])
    }
    return locations
  }

  private func location(_ id: Int32, _ bytes: [UInt8], _ index: PackageIndex) throws(ArchiveError) -> Location
  {
    let paragraph: ControlParagraph
    do {
      paragraph = try ControlParagraph.parseSingle(bytes, file: "\(index.name): \(name(of: id))")
    } catch {
      throw ArchiveError(.malformedIndex, error.description)
    }
    guard paragraph["Package"] == name(of: id), paragraph["Version"] == version(of: id),
      let architecture = paragraph["Architecture"]
    else { throw mismatch(id, index) }
    func refuse(_ what: String) -> ArchiveError {
      ArchiveError(
        .malformedIndex,
        "\(index.name): \(label(of: id)) has \(what); use another mirror, or tell the archive's keepers")
    }
    guard let path = paragraph["Filename"].map({ $0.hasPrefix("./") ? String($0.dropFirst(2)) : $0 }),
      ArchivePath.isSafe(path)
    else { throw refuse("no Filename that is a safe relative path") }
    guard let size = paragraph["Size"].flatMap({ Int($0) }), (1...LockFile.maximumPackageSize).contains(size)
    else {
      throw refuse("no sensible Size")
    }
    guard let digest = paragraph["SHA256"].flatMap({ SHA256Digest(hex: $0) }) else {
      throw refuse("no SHA256")
    }
    // "Source: name (version)" where the source's version differs (Debian policy 5.6.1).
    let source = paragraph["Source"]?.split(separator: " ").first.map(String.init) ?? name(of: id)
    guard ArchivePath.isPackageName(name(of: id)), ArchivePath.isPackageName(source) else {
      throw refuse("a name that breaks Debian's rules")
    }
    return Location(
      index: index, architecture: architecture, path: path, size: size, digest: digest, source: source)
  }

  private func mismatch(_ id: Int32, _ index: PackageIndex) -> ArchiveError {
    ArchiveError(
      .malformedIndex,
      "\(index.name): the paragraphs around \(name(of: id)) are not well formed; use another mirror")
  }

  /// Where each paragraph begins, as libsolv counts them, and where the last one ends.
  private static func paragraphStarts(_ text: [UInt8]) -> [Int] {
    var starts = [0]
    text.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress else { return }
      var position = 0
      while position < bytes.count, let found = memchr(base + position, 10, bytes.count - position) {
        let newline = UnsafeRawPointer(found) - base
        position = newline + 1
        if position < bytes.count, bytes[position] == 10 {
          position += 1
          starts.append(position)
        }
      }
    }
    if starts.last != text.count { starts.append(text.count) }
    return starts
  }
}
