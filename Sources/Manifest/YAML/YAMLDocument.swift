/// Reads the one document of a YAML file into nodes, within limits that keep a hostile file harmless.
package enum YAMLDocument {
  /// The largest file in bytes.
  package static let maximumSize = 1 << 20
  /// The most nodes, keys included.
  package static let maximumNodes = 100_000
  /// The deepest nesting of sequences and mappings.
  package static let maximumDepth = 64

  /// The root node of `bytes`, which have to be UTF-8; `file` names them in locations.
  ///
  /// Throws for what is no YAML, is beyond the limits above, or uses what manifests do without: anchors and
  /// aliases, merge keys, duplicate keys, several documents, tags other than `!!str`, `!!int` and `!!bool`.
  package static func parse(_ bytes: [UInt8], file: String) throws(ManifestError) -> YAMLNode {
    guard bytes.count <= maximumSize else {
      throw ManifestError(
        .init(
          .tooLarge, at: SourceLocation(file: file),
          "the file has \(bytes.count) bytes, more than the \(maximumSize) a manifest may have",
          suggestion: "move long contents to files of their own"))
    }
    if let offset = TextPosition.firstInvalidByte(in: bytes) {
      throw ManifestError(
        .init(
          .encoding, at: TextPosition(of: offset, in: bytes).location(in: file),
          "the file is not valid UTF-8", suggestion: "save it as UTF-8"))
    }
    let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
    let text = bytes.starts(with: byteOrderMark) ? Array(bytes.dropFirst(byteOrderMark.count)) : bytes
    guard let events = YAMLEventParser(text, file: file) else {
      throw ManifestError(
        .init(.syntax, at: SourceLocation(file: file), "there is not enough memory to read this"))
    }
    var composer = YAMLComposer(events: events, file: file)
    return try composer.document()
  }
}
