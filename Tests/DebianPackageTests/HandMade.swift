@testable import DebianPackage

/// Packages made byte by byte, so that each attack is exactly what it says.
enum HandMade {
  static let control = Array("Package: demo\nVersion: 1.0-1\nArchitecture: all\n".utf8)

  /// A tar member: header at 0, content at 512, padded to 512.
  static func member(
    _ name: String, type: Character = "0", content: [UInt8] = [], link: String = "", mode: Int = 0o644,
    size: [UInt8]? = nil, owner: [UInt8] = Array("0000000\0".utf8), magic: String = "ustar\u{0}00",
    prefix: String = "", rawName: [UInt8]? = nil
  ) -> [UInt8] {
    var block = [UInt8](repeating: 0, count: 512)
    func put(_ offset: Int, _ bytes: some Collection<UInt8>) {
      for (index, byte) in bytes.enumerated() { block[offset + index] = byte }
    }
    put(0, rawName ?? Array(name.utf8))
    put(100, octal(mode, 8))
    put(108, owner)
    put(116, octal(0, 8))
    put(124, size ?? octal(content.count, 12))
    put(136, octal(0, 12))
    put(156, [type.asciiValue ?? 0])
    put(157, link.utf8)
    put(257, magic.utf8)
    put(265, "root".utf8)
    put(297, "root".utf8)
    put(345, prefix.utf8)
    put(148, "        ".utf8)
    put(148, octal(block.reduce(0) { $0 + Int($1) }, 8))
    let padding = [UInt8](repeating: 0, count: (512 - content.count % 512) % 512)
    return block + content + padding
  }

  static func octal(_ value: Int, _ width: Int) -> [UInt8] {
    let digits = String(value, radix: 8)
    return Array((String(repeating: "0", count: max(0, width - 1 - digits.count)) + digits + "\0").utf8)
  }

  /// A GNU long name (`L`) or long link (`K`) before the member that it names.
  static func long(_ type: Character, _ text: [UInt8]) -> [UInt8] {
    member("././@LongLink", type: type, content: text, magic: "ustar  ")
  }

  static func tar(_ members: [UInt8]...) -> [UInt8] {
    members.flatMap { $0 } + [UInt8](repeating: 0, count: 1024)
  }

  /// An ar member: a 60-byte header, the content, a newline to an even length.
  static func arMember(_ name: String, _ content: [UInt8], size: String? = nil, end: String = "`\n")
    -> [UInt8]
  {
    func pad(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(0, width - text.utf8.count))
    }
    let header =
      pad(name, 16) + pad("0", 12) + pad("0", 6) + pad("0", 6) + pad("100644", 8)
      + pad(size ?? String(content.count), 10) + end
    return Array(header.utf8) + content + (content.count % 2 == 1 ? [0x0A] : [])
  }

  static func ar(_ members: [UInt8]...) -> [UInt8] {
    Array("!<arch>\n".utf8) + members.flatMap { $0 }
  }

  /// A package around a data archive.
  static func package(
    control: [UInt8] = HandMade.control, controlFiles: [[UInt8]] = [], data: [UInt8] = tar(),
    dataName: String = "data.tar"
  ) -> [UInt8] {
    ar(
      arMember("debian-binary", Array("2.0\n".utf8)),
      arMember("control.tar", tar(member("./control", content: control), controlFiles.flatMap { $0 })),
      arMember(dataName, data))
  }

  /// The code with which opening the package or listing its entries fails.
  static func refusal(_ bytes: [UInt8], limits: DebLimits = .standard) -> DebianPackageError.Code? {
    refusalError(bytes, limits: limits)?.code
  }

  static func refusalError(_ bytes: [UInt8], limits: DebLimits = .standard) -> DebianPackageError? {
    do throws(DebianPackageError) {
      _ = try DebFile(bytes: bytes, name: "demo.deb", limits: limits).entries { _, _ in true }
      return nil
    } catch {
      return error
    }
  }
}
