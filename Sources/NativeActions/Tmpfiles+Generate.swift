internal import Bytes

extension Tmpfiles {
  /// Something that a package ships below `/var`, where an image has an empty tmpfs at every boot.
  package enum Shipped: Sendable {
    /// A directory, made anew.
    case directory(path: String, mode: UInt16, user: String, group: String)
    /// A file, copied from `/usr/share/factory` followed by its path, where the builder keeps it.
    case file(path: String, mode: UInt16, user: String, group: String)
    /// A symbolic link, made anew.
    case symlink(path: String, target: String)

    /// The absolute path.
    package var path: String {
      switch self {
      case .directory(let path, _, _, _), .file(let path, _, _, _), .symlink(let path, _): path
      }
    }
  }

  /// A tmpfiles.d file that makes all of this again at boot, sorted by path. Paths for which `lines` (those of the
  /// packages themselves) create something are left out: theirs count. The file's name must sort behind theirs.
  /// `malformed` for a path that no line can express.
  package static func generate(_ shipped: [Shipped], besides lines: [Line]) throws(NativeActionError)
    -> [UInt8]
  {
    let taken = Set(lines.filter { $0.kind.creates && $0.unknownSpecifier == nil }.map(\.path))
    var text = "# What packages ship below /var, for the empty file system that is there at every boot.\n"
    for item in shipped.sorted(by: { precedesBytewise($0.path, $1.path) }) where !taken.contains(item.path) {
      let parts = item.path.slashSeparated(omittingEmpty: false)
      guard parts.count > 1, parts.first == "",
        !parts.dropFirst().contains(where: { ["", ".", ".."].contains($0) })
      else {
        throw NativeActionError(.malformed, at: item.path, "not a normalized absolute path below the root")
      }
      let path = try quoteWord(item.path)
      switch item {
      case .directory(_, let mode, let user, let group):
        text += "d \(path) \(octal(mode)) \(user) \(group) - -\n"
      case .file(_, let mode, let user, let group):
        let source = try quoteArgument("/usr/share/factory\(item.path)")
        text += "C \(path) \(octal(mode)) \(user) \(group) - \(source)\n"
      case .symlink(_, let target):
        guard !target.isEmpty else {
          throw NativeActionError(
            .malformed, at: item.path, "a symbolic link without a target; repair the package")
        }
        text += "L \(path) - - - - \(try quoteArgument(target))\n"
      }
    }
    return [UInt8](text.utf8)
  }

  private static func octal(_ mode: UInt16) -> String {
    let digits = String(mode & 0o7777, radix: 8)
    return String(repeating: "0", count: 4 - digits.utf8.count) + digits
  }

  /// A path as a word. Quotation marks group, and a backslash before one of them or itself is read alike by all
  /// releases of systemd; only newer ones know `\n` for a line feed.
  private static func quoteWord(_ text: String) throws(NativeActionError) -> String {
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case 0: throw hasNul(text)
      case 0x0A: bytes += "\\n".utf8
      case UInt8(ascii: "%"): bytes += [byte, byte]
      case UInt8(ascii: "\\"), UInt8(ascii: "\""): bytes += [UInt8(ascii: "\\"), byte]
      default: bytes.append(byte)
      }
    }
    let isPlain = text.utf8.allSatisfy { $0 > 0x20 && ![0x22, 0x27, 0x5C].contains($0) }
    let quoted = String(decoding: bytes, as: UTF8.self)
    return isPlain ? quoted : "\"\(quoted)\""
  }

  /// A path as an argument, in which quotation marks mean nothing and all escapes in the manner of C are known.
  private static func quoteArgument(_ text: String) throws(NativeActionError) -> String {
    // A lone dash means that there is nothing.
    if text == "-" { return "\\x2d" }
    var bytes: [UInt8] = []
    for byte in text.utf8 {
      switch byte {
      case 0: throw hasNul(text)
      case UInt8(ascii: "%"): bytes += [byte, byte]
      case 0x01...0x20, 0x7F, UInt8(ascii: "\\"):
        let digits = String(byte, radix: 16)
        bytes += "\\x\(digits.utf8.count == 1 ? "0" : "")\(digits)".utf8
      default: bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  private static func hasNul(_ text: String) -> NativeActionError {
    NativeActionError(.malformed, at: text, "a NUL byte in a path; repair the package")
  }
}
