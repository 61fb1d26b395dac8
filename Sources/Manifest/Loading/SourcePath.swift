/// Paths within a repository: components joined by `/`, the root is `""`.
enum SourcePath {
  /// The directory that holds `path`.
  static func directory(of path: String) -> String {
    guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return "" }
    return String(path[..<slash])
  }

  static func join(_ directory: String, _ name: String) -> String {
    directory.isEmpty ? name : "\(directory)/\(name)"
  }

  /// `path` as seen from `directory`, without `.` and `..`; `nil` if it is absolute or leaves the root.
  ///
  /// Nothing is lost by resolving `..` in the text, as source trees follow no symbolic link.
  static func resolve(_ path: String, from directory: String) -> String? {
    guard path.utf8.first != UInt8(ascii: "/"), !path.utf8.contains(0) else { return nil }
    var components: [Substring.UTF8View.SubSequence] = []
    let slash = UInt8(ascii: "/")
    for component in directory.utf8.split(separator: slash) + path.utf8.split(separator: slash) {
      if component.elementsEqual("..".utf8) {
        guard components.popLast() != nil else { return nil }
      } else if !component.elementsEqual(".".utf8) {
        components.append(component)
      }
    }
    return components.map { String(decoding: $0, as: UTF8.self) }.joined(separator: "/")
  }
}
