internal import Bytes
internal import ImageBuilder
internal import ImageFormat

/// Permission bits as people write them.
enum ModeText {
  /// Four octal digits.
  static func octal(_ permissions: UInt16) -> String {
    let digits = String(permissions, radix: 8)
    return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
  }
}

extension ReleaseImage {
  /// The permitted file capabilities (capabilities(7)) by name, in the order of their numbers.
  func capabilities(of node: EROFSReader.Node) throws -> [String] {
    guard let value = try files.attributes(of: node).first(where: { $0.name == "security.capability" })?.value
    else { return [] }
    var reader = ByteReader(value)
    guard (try? reader.littleEndian(UInt32.self, "magic")) != nil,
      let low = try? reader.littleEndian(UInt32.self, "permitted"),
      (try? reader.littleEndian(UInt32.self, "inheritable")) != nil
    else { return ["not readable"] }
    let high = (try? reader.littleEndian(UInt32.self, "permitted")) ?? 0
    let mask = UInt64(high) << 32 | UInt64(low)
    return (0..<64).filter { mask >> UInt64($0) & 1 == 1 }.map { number in
      number < FileCapabilities.names.count ? FileCapabilities.names[number] : "cap_\(number)"
    }
  }
}
