import Bytes
import TestSupport
import Testing

@testable import ImageFormat

@Suite("attribute certificate table")
struct PECertificateTests {
  private static let directory = SamplePE.optionalOffset + 144
  private static let checkSum = SamplePE.optionalOffset + 64

  /// The small program with this table behind it.
  private func program(_ table: [UInt8], offset: UInt32 = 0x800) throws -> PEImage {
    var bytes = SamplePE.small() + [UInt8](repeating: 0, count: Int(offset) - 0x800) + table
    bytes.store(offset, at: Self.directory)
    bytes.store(UInt32(table.count), at: Self.directory + 4)
    return try PEImage(ByteRope(bytes))
  }

  private func code(_ body: () throws -> Void) -> ImageFormatError.Code? {
    do {
      try body()
      return nil
    } catch {
      return (error as? ImageFormatError)?.code
    }
  }

  @Test("entries come back in their order, each aligned to 8")
  func roundTrip() throws {
    let image = try PEImage(ByteRope(SamplePE.small()))
    #expect(try image.certificateEntries() == [])
    let entries = [
      PEImage.Certificate(content: [1, 2, 3]), PEImage.Certificate(type: 0x0EF1, content: [UInt8](0..<8)),
    ]
    let file = try image.replacingCertificates(entries)
    let signed = try PEImage(file)
    #expect(try signed.certificateEntries() == entries)
    let expected: [UInt8] = [11, 0, 0, 0, 0, 2, 2, 0, 1, 2, 3, 0, 0, 0, 0, 0, 16, 0, 0, 0, 0, 2, 0xF1, 0x0E]
    #expect(file.flattened()[0x800...].elementsEqual(expected + (0..<8)))
    #expect(signed.certificates == 0x800..<0x820)
    #expect(try signed.replacingCertificates(entries).flattened() == file.flattened())
    // Without any it is the program again, with a CheckSum of 0.
    var unsigned = SamplePE.small()
    unsigned.store(UInt32(0), at: Self.checkSum)
    #expect(try signed.replacingCertificates([]).flattened() == unsigned)
    #expect(signed.isSameProgram(as: image) && image.isSameProgram(as: signed))
  }

  @Test("the last entry may lack its padding")
  func unpadded() throws {
    let image = try program([11, 0, 0, 0, 0, 2, 2, 0, 1, 2, 3])
    #expect(try image.certificateEntries() == [PEImage.Certificate(content: [1, 2, 3])])
  }

  @Test("each lie of a table has its error")
  func lies() throws {
    let attacks: [(String, ImageFormatError.Code, [UInt8])] = [
      ("no room for a header", .truncated, [16, 0, 0, 0, 0, 2]),
      ("length 0", .corrupt, [0, 0, 0, 0, 0, 2, 2, 0]),
      ("only a header", .corrupt, [8, 0, 0, 0, 0, 2, 2, 0]),
      ("beyond the table", .truncated, [17, 0, 0, 0, 0, 2, 2, 0, 1, 2, 3, 4, 5, 6, 7, 8]),
      ("4 GiB", .truncated, [0xFF, 0xFF, 0xFF, 0xFF, 0, 2, 2, 0, 1]),
      ("revision 1", .corrupt, [9, 0, 0, 0, 0, 1, 2, 0, 1]),
      (
        "17 entries", .tooLarge,
        Array([[UInt8]](repeating: [9, 0, 0, 0, 0, 2, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0], count: 17).joined())
      ),
      ("over 1 MiB", .tooLarge, [UInt8](repeating: 0, count: 1 << 20 + 8)),
    ]
    for (name, expected, table) in attacks {
      let image = try program(table)
      #expect(code { _ = try image.certificateEntries() } == expected, "\(name)")
    }
    let odd = try program([9, 0, 0, 0, 0, 2, 2, 0, 1], offset: 0x804)
    #expect(code { _ = try odd.certificateEntries() } == .corrupt)
    // Bytes behind the table are covered by no signature.
    var trailing = SamplePE.small() + [9, 0, 0, 0, 0, 2, 2, 0, 1] + [UInt8](repeating: 7, count: 20)
    trailing.store(UInt32(0x800), at: Self.directory)
    trailing.store(UInt32(9), at: Self.directory + 4)
    let image = try PEImage(ByteRope(trailing))
    #expect(code { _ = try image.replacingCertificates([]) } == .unsupported)
    #expect(code { _ = try image.authenticodeDigest() } == .unsupported)
    #expect(!image.isSameProgram(as: image))
    let many = [PEImage.Certificate](repeating: PEImage.Certificate(content: [1]), count: 17)
    let plain = try PEImage(ByteRope(SamplePE.small()))
    #expect(code { _ = try plain.replacingCertificates(many) } == .tooLarge)
  }

  @Test("CheckSum does not depend on the chunks, and is the sum of the words")
  func checkSum() throws {
    var state: UInt32 = 1
    let bytes = (0..<10_001).map { _ -> UInt8 in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(truncatingIfNeeded: state >> 24)
    }
    var sum: UInt32 = 0
    for start in stride(from: 0, to: bytes.count, by: 2) {
      sum += UInt32(bytes[start]) | (start + 1 < bytes.count ? UInt32(bytes[start + 1]) << 8 : 0)
      sum = sum & 0xFFFF + sum >> 16
    }
    let expected = sum + UInt32(bytes.count)
    #expect(ByteRope(bytes).peCheckSum == expected)
    for size in [1, 2, 3, 5, 7, 64, 1001] {
      var rope = ByteRope()
      for start in stride(from: 0, to: bytes.count, by: size) {
        rope.append(Array(bytes[start..<min(start + size, bytes.count)]))
      }
      #expect(rope.peCheckSum == expected, "chunks of \(size)")
    }
    #expect(ByteRope([UInt8](repeating: 0xFF, count: 1 << 20)).peCheckSum == 0xFFFF + 1 << 20)
  }
}
