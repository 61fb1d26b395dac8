import Bytes
import Testing

@Suite("SHA-256")
struct SHA256Tests {
  /// FIPS 180-4 examples and the empty message.
  @Test(
    "known answers",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func knownAnswers(message: String, digest: String) {
    #expect(SHA256.digest(of: Array(message.utf8)).hex == digest)
  }

  @Test("a message in pieces, a rope and the inner loop give the same digest")
  func pieces() {
    let message = (0..<10_000).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    let whole = SHA256.digest(of: message)
    var hash = SHA256()
    hash.update(Array(message[..<1]))
    hash.update([])
    hash.update(Array(message[1...]))
    #expect(hash.finish() == whole)
    var rope = ByteRope(Array(message[..<4096]))
    rope.append([])
    rope.append(ByteRope(Array(message[4096...])))
    #expect(rope.digest == whole)
    #expect(rope.flattened() == message)
    let inner = [UInt8](unsafeUninitializedCapacity: 32) { buffer, count in
      guard let base = buffer.baseAddress else { return }
      message.withUnsafeBytes { SHA256.hash($0, into: base) }
      count = 32
    }
    #expect(inner == whole.bytes)
  }

  @Test("digests parse from 64 digits of either case and nothing else")
  func parsing() {
    let digest = SHA256.digest(of: [1, 2, 3])
    #expect(SHA256Digest(hex: digest.hex) == digest)
    #expect(SHA256Digest(hex: digest.hex.uppercased()) == digest)
    #expect(SHA256Digest(digest.bytes) == digest)
    for text in [
      "", "0", String(digest.hex.dropLast()), digest.hex + "00", "g" + digest.hex.dropFirst(), "é",
    ] {
      #expect(SHA256Digest(hex: text) == nil)
    }
    #expect(SHA256Digest([1, 2]) == nil)
  }

  @Test("digests order as their bytes do")
  func order() {
    let digests = (0..<50).map { SHA256.digest(of: [$0]) }
    #expect(digests.sorted().map(\.bytes) == digests.map(\.bytes).sorted { $0.lexicographicallyPrecedes($1) })
  }
}

@Suite("byte reader and writer")
struct ByteCodecTests {
  @Test("integers of both orders come back, and the bytes are the expected ones")
  func integers() throws {
    var writer = ByteWriter()
    writer.littleEndian(UInt32(0x0102_0304))
    writer.bigEndian(UInt16(0x0506))
    writer.littleEndian(UInt64.max - 1)
    writer.fill(1, with: 9)
    #expect(writer.bytes == [4, 3, 2, 1, 5, 6, 0xfe, 255, 255, 255, 255, 255, 255, 255, 9])
    var reader = ByteReader(writer.bytes)
    #expect(try reader.littleEndian(UInt32.self, "a") == 0x0102_0304)
    #expect(try reader.bigEndian(UInt16.self, "b") == 0x0506)
    #expect(try reader.littleEndian(UInt64.self, "c") == UInt64.max - 1)
    #expect(reader.remaining == 1)
  }

  @Test("a short read names the field, where it began and what was missing, and moves nothing")
  func shortRead() throws {
    var reader = ByteReader([1, 2, 3][1...])
    #expect {
      try reader.littleEndian(UInt32.self, "length")
    } throws: {
      "\($0)" == "length needs 4 bytes at offset 0, but only 2 are left"
    }
    #expect(throws: ByteReadError.self) { try reader.read(-1, "negative") }
    #expect(throws: ByteReadError.self) { try reader.seek(to: 3, "beyond") }
    #expect(throws: ByteReadError.self) { try reader.seek(to: -1, "before") }
    #expect(try reader.read(2, "rest").elementsEqual([2, 3]))
  }

  @Test("alignment and patches")
  func alignment() {
    var writer = ByteWriter()
    writer.append([1])
    writer.align(to: 4)
    writer.align(to: 4)
    writer.patchLittleEndian(at: 2, UInt16(0x0403))
    #expect(writer.bytes == [1, 0, 3, 4])
    var rope = ByteRope([1, 2, 3])
    rope.align(to: 4)
    rope.align(to: 4)
    #expect(rope.flattened() == [1, 2, 3, 0])
  }
}

@Suite("hexadecimal")
struct HexTests {
  @Test("every byte there and back; odd lengths and foreign characters are refused")
  func roundTrip() {
    let bytes = (0...255).map { UInt8($0) }
    #expect(Hex.decode(Hex.encode(bytes)) == bytes)
    #expect(Hex.decode("abc") == nil)
    #expect(Hex.decode("0x") == nil)
    #expect(Hex.decode("") == [])
  }
}

@Suite("Paths")
struct PathTests {
  @Test("paths are cut at bytes, as the kernel cuts them")
  func slashes() {
    #expect("/usr//bin/".slashSeparated() == ["usr", "bin"])
    #expect("/usr//bin/".slashSeparated(omittingEmpty: false) == ["", "usr", "", "bin", ""])
    #expect("".slashSeparated() == [] && "".slashSeparated(omittingEmpty: false) == [""])
    // A combining mark joins the slash before it to another character, which a cut at characters does not see.
    let hidden = "..\u{2F}\u{301}x"
    #expect(hidden.split(separator: "/").count == 1)
    #expect(hidden.slashSeparated().map { Array($0.utf8) } == [Array("..".utf8), [0xCC, 0x81, 0x78]])
  }
}

@Suite("strings as bytes")
struct ExactStringTests {
  @Test("equal characters of other bytes are other strings, for comparing, sets and order")
  func canonicalEquivalents() {
    let pairs = [("\u{E9}", "e\u{301}"), ("K", "\u{212A}"), (";", "\u{37E}"), ("\u{C5}", "\u{212B}")]
    for (left, right) in pairs {
      #expect(left == right)
      #expect(ExactString(left) != ExactString(right))
      #expect(!left.isExactly(right))
      #expect(left.isExactly(String(decoding: Array(left.utf8), as: UTF8.self)))
      #expect(Set([left, right, left].map { ExactString($0) }).count == 2)
      let ordered = [ExactString(left), ExactString(right)].sorted().map { Array($0.text.utf8) }
      #expect(ordered[0].lexicographicallyPrecedes(ordered[1]))
    }
  }

  @Test("a slice of another string hashes as its bytes do")
  func slices() {
    let whole = "a/é/b"
    #expect(Set([ExactString("é")]).contains(ExactString(whole.slashSeparated()[1])))
  }
}
