import Bytes
import FrameFormat
import Testing

private func sample() throws -> (index: RootIndex, stored: [[UInt8]], contents: [[UInt8]]) {
  let contents: [[UInt8]] = [
    [UInt8](repeating: 7, count: 8192), (0..<4096).map { UInt8(truncatingIfNeeded: $0 &* 31) },
  ]
  let stored = try contents.map { content in
    try content.withUnsafeBytes { try FrameCodec.compress($0, level: 3) }
  }
  let frames = zip(stored, contents).map {
    RootIndex.Frame(digest: SHA256.digest(of: $0), storedSize: $0.count, size: $1.count)
  }
  let index = RootIndex(dataSize: 8192, rootHash: SHA256.digest(of: [1]), frames: frames)
  return (index, stored, contents)
}

private func decompress(_ stored: [UInt8], of frame: RootIndex.Frame) throws(FrameFormatError) -> [UInt8] {
  var output = [UInt8](repeating: 0, count: frame.size)
  let result = output.withUnsafeMutableBytes { buffer in
    stored.withUnsafeBytes { bytes in
      Result { () throws(FrameFormatError) in try FrameCodec.decompress(bytes, of: frame, into: buffer) }
    }
  }
  try result.get()
  return output
}

@Suite("root image index")
struct RootIndexTests {
  @Test("decodes what it encodes")
  func roundTrip() throws {
    let index = try sample().index
    #expect(try RootIndex.decode(index.encode()) == index)
    #expect(index.imageSize == 12288)
  }

  @Test("golden bytes: the layout of docs/formats/index.md")
  func golden() throws {
    let frame = RootIndex.Frame(digest: SHA256.digest(of: []), storedSize: 5, size: 8192)
    let index = RootIndex(dataSize: 4096, rootHash: SHA256.digest(of: []), frames: [frame])
    let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    let expected =
      "4e4554494d475249" + "01000000" + "01000000" + "0020000000000000" + "0010000000000000" + empty
      + empty + "05000000" + "00200000"
    #expect(Hex.encode(index.encode()) == expected)
  }

  @Test("every truncated prefix is refused, and so is a longer one")
  func truncation() throws {
    let bytes = try sample().index.encode()
    for length in 0..<bytes.count {
      #expect(throws: FrameFormatError.self) { try RootIndex.decode(Array(bytes[..<length])) }
    }
    #expect(throws: FrameFormatError.self) { try RootIndex.decode(bytes + [0]) }
  }

  /// Offset, replacement and the code that must come of it.
  @Test(
    "hostile fields",
    arguments: [
      (0, [UInt8(0)], FrameFormatError.Code.badMagic),
      (8, [2, 0, 0, 0], .unsupportedVersion),
      (12, [0xff, 0xff, 0xff, 0xff], .tooLarge),
      (16, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff], .tooLarge),
      (16, [1, 0, 0, 0, 0, 0, 0, 0], .inconsistent),
      (24, [1, 0, 0, 0, 0, 0, 0, 0], .inconsistent),
      (24, [0, 0, 0, 0, 0, 0, 0, 0], .inconsistent),
      (24, [0, 0x30, 0, 0, 0, 0, 0, 0], .inconsistent),
      (96, [0, 0, 0, 0], .inconsistent),
      (96, [0xff, 0xff, 0xff, 0xff], .inconsistent),
      (100, [1, 0x20, 0, 0], .inconsistent),
      (100, [0, 0, 0, 0xff], .inconsistent),
    ])
  func hostile(offset: Int, replacement: [UInt8], code: FrameFormatError.Code) throws {
    var bytes = try sample().index.encode()
    bytes.replaceSubrange(offset..<offset + replacement.count, with: replacement)
    #expect {
      try RootIndex.decode(bytes)
    } throws: {
      ($0 as? FrameFormatError)?.code == code
    }
  }
}

@Suite("frames")
struct FrameCodecTests {
  @Test("a frame gives its content back")
  func roundTrip() throws {
    let (index, stored, contents) = try sample()
    for (number, frame) in index.frames.enumerated() {
      #expect(try decompress(stored[number], of: frame) == contents[number])
    }
  }

  @Test("one flipped bit anywhere is refused by the digest, before decompression")
  func flipped() throws {
    let (index, stored, _) = try sample()
    for position in stored[1].indices {
      var bytes = stored[1]
      bytes[position] ^= 1
      #expect {
        _ = try decompress(bytes, of: index.frames[1])
      } throws: {
        ($0 as? FrameFormatError)?.code == .digestMismatch
      }
    }
  }

  @Test("bytes with the right digest that are no frame of that size are refused")
  func wrongSize() throws {
    let (_, stored, _) = try sample()
    for bytes in [stored[0], stored[1] + [0], stored[1] + stored[1], [1, 2, 3, 4]] {
      let frame = RootIndex.Frame(digest: SHA256.digest(of: bytes), storedSize: bytes.count, size: 4096)
      #expect {
        _ = try decompress(bytes, of: frame)
      } throws: {
        ($0 as? FrameFormatError)?.code == .corruptFrame
      }
    }
  }
}
