/// Paths inside an image: relative, of names that Linux can hold.
enum ImagePath {
  /// NAME_MAX.
  static let maximumNameLength = 255
  /// PATH_MAX without its NUL: the longest path and the longest target that Linux can use.
  static let maximumLength = 4095

  /// The path with NUL in place of the slash: byte order then puts a directory right before what is in it, and
  /// siblings in the order of their names. Bytes, because Swift's strings are equal up to normalisation.
  static func key(of path: String) throws(ImageFormatError) -> [UInt8] {
    var key = [UInt8](path.utf8)
    if key.isEmpty { return key }
    guard key.count <= maximumLength else {
      throw ImageFormatError(
        .invalidEntry, "the path \(path) is \(key.count) bytes long: Linux takes at most 4095")
    }
    var start = 0
    for index in 0...key.count where index == key.count || key[index] == 0x2F {
      try check(key[start..<index], in: path)
      if index < key.count { key[index] = 0 }
      start = index + 1
    }
    return key
  }

  private static func check(_ name: ArraySlice<UInt8>, in path: String) throws(ImageFormatError) {
    let problem: String
    if name.isEmpty {
      problem = "an empty name: write it without leading, trailing or double slashes"
    } else if name.elementsEqual([0x2E]) || name.elementsEqual([0x2E, 0x2E]) {
      problem = "the name . or ..: write it without"
    } else if name.contains(0) {
      problem = "a NUL: no file system takes that"
    } else if name.count > maximumNameLength {
      problem = "a name of \(name.count) bytes: Linux takes at most 255"
    } else {
      return
    }
    throw ImageFormatError(.invalidEntry, "the path \"\(path)\" has \(problem)")
  }
}
