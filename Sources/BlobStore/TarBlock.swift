internal import Bytes

// A header of a POSIX ustar archive (IEEE Std 1003.1, pax, "ustar Interchange Format"), 512 bytes:
//
//     name 0-99 | mode 100 | uid 108 | gid 116 | size 124-135 | mtime 136-147 | checksum 148-155 | type 156
//     linkname 157-256 | magic "ustar\0" 257 | version "00" 263 | uname 265 | gname 297 | prefix 345-499
//
// Numbers are octal digits that end with NUL or a blank. The content follows, padded with zeros to 512 bytes.

/// One file's header in a store's archive: only what such an archive has, and nothing else of tar.
struct TarBlock: Equatable {
  static let size = 512

  enum Kind: Equatable { case file, directory }

  var path: String
  var size: Int
  var kind = Kind.file

  /// The header of a file of mode 0644, owned by root, at time 0: nothing in it depends on the machine. `nil` if the
  /// path is too long for this format.
  func encode() -> [UInt8]? {
    guard let (prefix, name) = Self.split(path), size >= 0, size < 1 << 33 else { return nil }
    var block = [UInt8](repeating: 0, count: Self.size)
    func put(_ text: String, at offset: Int) {
      for (index, byte) in text.utf8.enumerated() { block[offset + index] = byte }
    }
    func octal(_ value: Int, _ digits: Int, at offset: Int) {
      let text = String(value, radix: 8)
      put(String(repeating: "0", count: digits - text.utf8.count) + text, at: offset)
    }
    put(name, at: 0)
    octal(0o644, 7, at: 100)
    octal(0, 7, at: 108)
    octal(0, 7, at: 116)
    octal(size, 11, at: 124)
    octal(0, 11, at: 136)
    put("        ", at: 148)
    put("0", at: 156)
    put("ustar", at: 257)
    put("00", at: 263)
    put(prefix, at: 345)
    octal(block.reduce(0) { $0 + Int($1) }, 6, at: 148)
    block[154] = 0
    return block
  }

  /// Why a block is no header of such an archive.
  struct Refusal: Error, Equatable {
    let reason: String
  }

  /// - Parameter block: 512 bytes, not all zero.
  init(decoding block: [UInt8]) throws(Refusal) {
    guard block.count == Self.size else { throw Refusal(reason: "its header is cut short") }
    var sum = 0
    for (index, byte) in block.enumerated() { sum += (148..<156).contains(index) ? 0x20 : Int(byte) }
    guard try Self.octal(block[148..<156]) == sum else {
      throw Refusal(reason: "its header's checksum is wrong")
    }
    guard block[257..<262].elementsEqual("ustar".utf8) else {
      throw Refusal(reason: "it is not in ustar format")
    }
    // GNU tar's own format has other things where ustar has the prefix.
    let hasPrefix = block[262] == 0
    switch block[156] {
    case UInt8(ascii: "0"), 0: kind = .file
    case UInt8(ascii: "5"): kind = .directory
    case let type:
      let name = type > 0x20 && type < 0x7f ? "'\(Character(UnicodeScalar(type)))'" : "\(type)"
      throw Refusal(reason: "it is of type \(name), neither file nor directory")
    }
    size = try Self.octal(block[124..<136])
    let name = try Self.text(block[0..<100])
    let prefix = hasPrefix ? try Self.text(block[345..<500]) : ""
    path = prefix.isEmpty ? name : "\(prefix)/\(name)"
  }

  init(path: String, size: Int) {
    self.path = path
    self.size = size
  }

  /// The zeros behind a content of so many bytes.
  static func padding(after size: Int) -> Int { (Self.size - size % Self.size) % Self.size }

  private static func octal(_ field: ArraySlice<UInt8>) throws(Refusal) -> Int {
    let digits = field.drop { $0 == 0x20 }.prefix { $0 != 0 && $0 != 0x20 }
    guard !digits.isEmpty, digits.count <= 12, digits.allSatisfy({ (0x30...0x37).contains($0) }) else {
      throw Refusal(reason: "a number in its header is not octal")
    }
    return digits.reduce(0) { $0 << 3 | Int($1 - 0x30) }
  }

  private static func text(_ field: ArraySlice<UInt8>) throws(Refusal) -> String {
    let bytes = field.prefix { $0 != 0 }
    guard bytes.allSatisfy({ (0x21...0x7e).contains($0) }) else {
      throw Refusal(reason: "its name has bytes that no name in a store has")
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// A path as prefix and name, as the format wants it.
  private static func split(_ path: String) -> (prefix: String, name: String)? {
    if path.utf8.count <= 100 { return ("", path) }
    guard let slash = path.lastIndex(of: "/") else { return nil }
    let (prefix, name) = (String(path[..<slash]), String(path[path.index(after: slash)...]))
    return prefix.utf8.count <= 155 && name.utf8.count <= 100 ? (prefix, name) : nil
  }
}
