/// `/etc/ld.so.conf` (ldconfig(8)): directories, and patterns of further files at their place in the order.
package enum LdSoConf {
  /// One directive.
  package enum Directive: Equatable, Sendable {
    /// A directory to search, without trailing slashes.
    case directory(String)
    /// An absolute glob pattern of files to read in its place, in the order of their names.
    case include(String)
  }

  /// The directives in file order. A relative pattern is taken from the directory of `file`, which must be the path
  /// inside the image. The old `hwcap` directive is ignored, as glibc does. `malformed` names the line of a directory
  /// that is not absolute.
  package static func parse(_ bytes: [UInt8], file: String) throws(NativeActionError) -> [Directive] {
    var directives: [Directive] = []
    for line in try TextLines(bytes, file: file).lines {
      let content = line.bytes.prefix { $0 != UInt8(ascii: "#") }.trimmed
      let words = content.words
      guard let first = words.first else { continue }
      if first.text == "include", words.count > 1 {
        let base = file.prefix(through: file.lastIndex(of: "/") ?? file.startIndex)
        for word in words.dropFirst() {
          directives.append(.include(word.first == UInt8(ascii: "/") ? word.text : "\(base)\(word.text)"))
        }
      } else if first.text.lowercased() == "hwcap", words.count > 1 {
        continue
      } else {
        var directory = content
        while directory.last == UInt8(ascii: "/") { directory = directory.dropLast() }
        guard !directory.isEmpty else { continue }
        guard directory.first == UInt8(ascii: "/") else {
          throw NativeActionError(
            .malformed, at: "\(file):\(line.number)",
            "the directory \(directory.text) is not absolute: libraries would be sought wherever a program runs; "
              + "repair the file")
        }
        directives.append(.directory(directory.text))
      }
    }
    return directives
  }
}
