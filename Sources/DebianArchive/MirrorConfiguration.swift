/// Which mirrors carry an archive. No address is built in: they come from the person who runs the tool.
///
/// The first of these sources that names an archive decides alone, so that an explicit choice is never
/// widened behind its back: `--mirror` flags, `NETIMG_MIRROR`, the user's `mirrors` file, the host's own apt
/// sources.
package struct MirrorConfiguration: Sendable, Equatable {
  /// One mirror of one archive.
  package struct Mirror: Sendable, Hashable {
    /// The archive's name, such as `debian-security`.
    package let archive: String
    /// Where it is.
    package let base: MirrorURL
    /// Where that was said, for messages: `--mirror`, `NETIMG_MIRROR`, or `file:line`.
    package let origin: String

    package init(archive: String, base: MirrorURL, origin: String) {
      self.archive = archive
      self.base = base
      self.origin = origin
    }
  }

  private let sources: [[Mirror]]

  /// - Parameter sources: lists of mirrors, the most binding first; within a list, in order of preference.
  package init(sources: [[Mirror]]) {
    self.sources = sources
  }

  /// The mirrors of an archive, the preferred first.
  /// - Throws: `noMirror`, with the ways to name one.
  package func mirrors(of archive: String) throws(ArchiveError) -> [Mirror] {
    for source in sources {
      var seen: Set<MirrorURL> = []
      let found = source.filter { $0.archive == archive && seen.insert($0.base).inserted }
      if !found.isEmpty { return found }
    }
    throw ArchiveError(
      .noMirror,
      "no mirror is known for the archive \"\(archive)\": give one with --mirror \(archive)=URL, in "
        + "NETIMG_MIRROR, or as a line \(archive)=URL in netimg/mirrors below your configuration "
        + "directory"
    )
  }
}

extension MirrorConfiguration {
  /// Parses `NAME=URL`, or a plain URL that stands for the archive named by its last path component.
  /// - Parameter origin: where the text is from, for messages.
  /// - Throws: `badConfiguration`.
  package static func parse(_ text: some StringProtocol, origin: String) throws(ArchiveError) -> Mirror {
    let text = String(text)
    let separator = text.firstRange(of: "://")
    let equals = text.firstIndex(of: "=").flatMap { index in
      separator.map { index < $0.lowerBound } ?? true ? index : nil
    }
    let address = equals.map { text[text.index(after: $0)...] } ?? text[...]
    guard let base = MirrorURL(address) else {
      throw ArchiveError(
        .badConfiguration,
        "\(origin): the mirror must be an http, https or file URL without query or fragment, as in NAME=URL")
    }
    guard let name = equals.map({ String(text[..<$0]) }) ?? base.archiveName, ArchivePath.isArchiveName(name)
    else {
      throw ArchiveError(
        .badConfiguration,
        "\(origin): \(base) does not end in an archive's name; write NAME=URL, with NAME of [a-z0-9._-]")
    }
    return Mirror(archive: name, base: base, origin: origin)
  }

  /// Parses the user's `mirrors` file: lines `NAME=URL`, blank lines, and comments that begin with `#`.
  static func parseFile(_ text: String, name: String) throws(ArchiveError) -> [Mirror] {
    var mirrors: [Mirror] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let line = trimmed(line)
      if line.isEmpty || line.hasPrefix("#") { continue }
      mirrors.append(try parse(line, origin: "\(name):\(index + 1)"))
    }
    return mirrors
  }

  static func trimmed(_ text: Substring) -> Substring {
    let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\r\n" }
    var text = text.drop(while: isBlank)
    while let last = text.last, isBlank(last) { text.removeLast() }
    return text
  }
}
