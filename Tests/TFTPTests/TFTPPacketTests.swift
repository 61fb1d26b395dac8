import Testing

@testable import TFTP

@Suite struct TFTPPacketTests {
  // As OVMF sends it, and busybox, and the standards have it.
  static let golden: [(TFTPPacket, [UInt8])] = [
    (
      .read(
        TFTPRequest(
          name: "snponly.efi",
          options: [TFTPOption("tsize", "0"), TFTPOption("blksize", "1468"), TFTPOption("windowsize", "4")])),
      [0, 1] + Array("snponly.efi\0octet\0tsize\u{0}0\0blksize\u{0}1468\0windowsize\u{0}4\0".utf8)
    ),
    (.read(TFTPRequest(name: "a", mode: "netascii")), [0, 1] + Array("a\0netascii\0".utf8)),
    (.write(TFTPRequest(name: "a")), [0, 2] + Array("a\0octet\0".utf8)),
    (.data(block: 0x1234, [1, 2, 3]), [0, 3, 0x12, 0x34, 1, 2, 3]),
    (.data(block: 65535, []), [0, 3, 0xff, 0xff]),
    (.acknowledge(block: 258), [0, 4, 1, 2]),
    (
      .error(code: 8, message: "User aborted the transfer"),
      [0, 5, 0, 8] + Array("User aborted the transfer\0".utf8)
    ),
    (.optionAcknowledge([TFTPOption("tsize", "275968")]), [0, 6] + Array("tsize\u{0}275968\0".utf8)),
    (.optionAcknowledge([]), [0, 6]),
  ]

  @Test(arguments: golden.filter { $0.1.count >= 4 })
  func roundTrips(packet: TFTPPacket, bytes: [UInt8]) throws {
    #expect(try TFTPPacket(decoding: bytes) == packet)
    #expect(packet.encoded == bytes)
  }

  @Test func everyPrefixOfARequestThrows() throws {
    let bytes = Self.golden[0].1
    // Between an option's value and the next option's name, and behind the mode, a shorter request ends.
    let whole = Set(bytes.indices.filter { bytes[$0] == 0 && $0 > 2 }.map { $0 + 1 })
    for count in bytes.indices {
      if whole.contains(count), bytes[2..<count].filter({ $0 == 0 }).count % 2 == 0 {
        _ = try TFTPPacket(decoding: bytes[..<count])
      } else {
        #expect(throws: TFTPError.self) { try TFTPPacket(decoding: bytes[..<count]) }
      }
    }
  }

  private static func request(_ text: String) -> [UInt8] { [0, 1] + Array(text.utf8) }

  static let hostile: [(String, [UInt8])] = [
    ("an empty packet", []), ("one byte", [0]), ("no operation 0", [0, 0, 0, 0]),
    ("no operation 7", [0, 7, 0, 0]),
    ("no operation 256", [1, 0, 0, 0]), ("a name without an end", request("name")),
    ("a mode without an end", request("name\0octet")),
    ("an option without a value", request("name\0octet\0blksize\0")),
    ("a name that is not UTF-8", [0, 1, 0xff, 0xfe, 0, 0x6f, 0]),
    ("an option twice", request("n\0octet\0blksize\u{0}512\0BLKSIZE\u{0}1024\0")),
    ("a long mode", request("n\0ooooooooooooooooo\0")),
    ("a long request", request(String(repeating: "a", count: 1100) + "\0octet\0")),
    ("many options", request("n\0octet\0" + (0..<17).map { "o\($0)\u{0}1\0" }.joined())),
  ]

  @Test(arguments: hostile)
  func hostilePacketsThrow(what: String, bytes: [UInt8]) {
    #expect(throws: TFTPError.self, "\(what)") { try TFTPPacket(decoding: bytes) }
  }

  @Test(arguments: [
    ("512", 512), ("0", 0), ("00512", 512), ("9223372036854775807", Int.max),
  ])
  func numbersAreRead(text: String, value: Int) {
    #expect(TFTPRequest(name: "n", options: [TFTPOption("blksize", text)]).number("blksize") == value)
  }

  @Test(arguments: [
    "", "-1", "+1", "1 ", " 1", "0x10", "9223372036854775808", "99999999999999999999", "١", "1e3",
  ])
  func numbersAreRefused(text: String) {
    #expect(TFTPRequest(name: "n", options: [TFTPOption("blksize", text)]).number("blksize") == nil)
  }

  @Test func anErrorWithoutAnEndIsTaken() throws {
    #expect(try TFTPPacket(decoding: [0, 5, 0, 1, 0x68, 0x69]) == .error(code: 1, message: "hi"))
  }

  @Test(arguments: [
    ("/boot/x.efi", "boot/x.efi"), ("\\boot\\x.efi", "boot/x.efi"), ("//a", "a"), ("a..b/c...", "a..b/c..."),
  ])
  func namesAreNormalized(name: String, result: String) throws {
    #expect(try TFTPServer.normalized(name).get() == result)
  }

  @Test(arguments: [
    "", "/", "..", "../x", "a/../b", "\\..\\x", "a/..", "a\nb", "a\u{7f}", String(repeating: "a", count: 256),
  ])
  func namesAreRefused(name: String) {
    #expect(throws: TFTPError.self) { try TFTPServer.normalized(name).get() }
  }

  // A combining mark makes another character of a slash, and leaves its byte what it is.
  @Test func aCombiningMarkHidesNoTraversal() {
    #expect(throws: TFTPError.self) { try TFTPServer.normalized("a/../\u{301}x").get() }
  }
}
