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
      [0, 1] + Array("snponly.efi\0octet\0tsize\00\0blksize\01468\0windowsize\04\0".utf8)
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
    (.optionAcknowledge([TFTPOption("tsize", "275968")]), [0, 6] + Array("tsize\0275968\0".utf8)),
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

  @Test(arguments: [
    ("an empty packet", []), ("one byte", [0]), ("no operation 0", [0, 0, 0, 0]),
    ("no operation 7", [0, 7, 0, 0]),
    ("no operation 256", [1, 0, 0, 0]), ("a name without an end", [0, 1] + Array("name".utf8)),
    ("a mode without an end", [0, 1] + Array("name\0octet".utf8)),
    ("an option without a value", [0, 1] + Array("name\0octet\0blksize\0".utf8)),
    ("a name that is not UTF-8", [0, 1, 0xff, 0xfe, 0] + Array("octet\0".utf8)),
    ("an option twice", [0, 1] + Array("n\0octet\0blksize\0512\0BLKSIZE\01024\0".utf8)),
    ("a long mode", [0, 1] + Array("n\0\(String(repeating: "o", count: 17))\0".utf8)),
    ("a long request", [0, 1] + [UInt8](repeating: 0x61, count: 1100) + Array("\0octet\0".utf8)),
    ("many options", [0, 1] + Array("n\0octet\0".utf8) + (0..<17).flatMap { Array("o\($0)\01\0".utf8) }),
  ])
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
