/// Names of kernel modules and aliases, as kmod spells them (`shared/util.c`).
package enum ModuleName {
  /// `my-module.ko.xz` and `my_module` are both `my_module`.
  package static func normalize(_ name: some StringProtocol) -> String {
    let base = name.utf8.prefix { $0 != UInt8(ascii: ".") }
    return String(decoding: base.map { $0 == UInt8(ascii: "-") ? UInt8(ascii: "_") : $0 }, as: UTF8.self)
  }

  /// The module's name from its path.
  package static func ofPath(_ path: some StringProtocol) -> String {
    let name = Array(path.utf8).split(separator: UInt8(ascii: "/")).last ?? []
    return normalize(String(decoding: name, as: UTF8.self))
  }

  /// An alias pattern with dashes outside of brackets as underscores; `nil` for unmatched brackets.
  static func normalizeAlias(_ alias: String) -> String? {
    var isInBrackets = false
    var bytes: [UInt8] = []
    for byte in alias.utf8 {
      switch byte {
      case UInt8(ascii: "]"):
        guard isInBrackets else { return nil }
        isInBrackets = false
        bytes.append(byte)
      case UInt8(ascii: "["):
        isInBrackets = true
        bytes.append(byte)
      case UInt8(ascii: "-"):
        bytes.append(isInBrackets ? byte : UInt8(ascii: "_"))
      default:
        bytes.append(byte)
      }
    }
    return isInBrackets ? nil : String(decoding: bytes, as: UTF8.self)
  }
}
