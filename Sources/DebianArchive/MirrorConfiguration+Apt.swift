internal import DebianPackage

extension MirrorConfiguration {
  /// The mirrors in one-line apt sources (sources.list(5)). Other schemes than http, https and file are
  /// passed over, and so is what cannot be read: the file is not ours to complain about.
  static func parseAptList(_ text: String, name: String) -> [Mirror] {
    var mirrors: [Mirror] = []
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
      let content = line.prefix { $0 != "#" }
      var words = content.split { $0 == " " || $0 == "\t" || $0 == "\r" || $0 == "\r\n" }[...]
      guard words.popFirst() == "deb" else { continue }
      if words.first?.hasPrefix("[") == true {
        guard let end = words.firstIndex(where: { $0.hasSuffix("]") }) else { continue }
        words = words[(end + 1)...]
      }
      guard let address = words.first else { continue }
      if let mirror = aptMirror(address, origin: "\(name):\(index + 1)") { mirrors.append(mirror) }
    }
    return mirrors
  }

  /// The mirrors in deb822 apt sources (sources.list(5), "DEB822-STYLE FORMAT").
  static func parseAptSources(_ bytes: [UInt8], name: String) -> [Mirror] {
    guard let paragraphs = try? ControlParagraph.parse(bytes, file: name) else { return [] }
    var mirrors: [Mirror] = []
    for paragraph in paragraphs {
      let isOff = ["no", "false", "off", "0"].contains(paragraph["Enabled"]?.lowercased() ?? "")
      let types = paragraph["Types"]?.split { $0.isWhitespace } ?? []
      guard !isOff, types.contains("deb") else { continue }
      for address in paragraph["URIs"]?.split(whereSeparator: { $0.isWhitespace }) ?? [] {
        let origin = "\(name):\(paragraph.line)"
        if let mirror = aptMirror(address, origin: origin) { mirrors.append(mirror) }
      }
    }
    return mirrors
  }

  private static func aptMirror(_ address: Substring, origin: String) -> Mirror? {
    guard let base = MirrorURL(address), let name = base.archiveName, ArchivePath.isArchiveName(name) else {
      return nil
    }
    return Mirror(archive: name, base: base, origin: origin)
  }
}
