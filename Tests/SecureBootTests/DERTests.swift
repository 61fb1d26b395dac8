import Testing

@testable import SecureBoot

@Suite("DER")
struct DERTests {
  @Test("lengths take the shortest form")
  func lengths() throws {
    #expect(DER.element(4, []) == [4, 0])
    #expect(DER.element(4, [1], [2]) == [4, 2, 1, 2])
    #expect(DER.element(4, [UInt8](repeating: 0, count: 127)).prefix(2) == [4, 0x7F])
    #expect(DER.element(4, [UInt8](repeating: 0, count: 128)).prefix(3) == [4, 0x81, 0x80])
    #expect(DER.element(4, [UInt8](repeating: 0, count: 65_536)).prefix(5) == [4, 0x83, 1, 0, 0])
    for count in [0, 1, 127, 128, 255, 256, 65_535, 65_536] {
      let encoded = DER.element(4, [UInt8](repeating: 7, count: count))
      var reader = DERReader(encoded[...], "test")
      let element = try reader.next(4, "string")
      #expect(element.content.count == count && element.encoded.elementsEqual(encoded) && reader.isAtEnd)
    }
  }

  @Test("integers are positive and minimal; sets are sorted; identifiers are those of X.690")
  func values() {
    #expect(DER.integer([]) == [2, 1, 0])
    #expect(DER.integer([0, 0, 5]) == [2, 1, 5])
    #expect(DER.integer([0x80]) == [2, 2, 0, 0x80])
    #expect(DER.set([[4, 1, 2], [4, 1, 1]]) == [0x31, 6, 4, 1, 1, 4, 1, 2])
    #expect(DER.bitString([9]) == [3, 2, 0, 9])
    #expect(ObjectIdentifier.sha256 == [6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1])
    #expect(ObjectIdentifier.spcIndirectData == [6, 10, 0x2B, 6, 1, 4, 1, 0x82, 0x37, 2, 1, 4])
  }

  @Test(
    "what is not DER is refused",
    arguments: [
      [], [4], [4, 1], [4, 0x80, 0, 0], [4, 0x81], [4, 0x81, 0x7F], [4, 0x82, 0, 0x80],
      [4, 0x85, 0, 0, 0, 0, 1],
      [4, 0x84, 0xFF, 0xFF, 0xFF, 0xFF], [0x1F, 0x81, 0], [5, 0],
    ] as [[UInt8]])
  func refused(bytes: [UInt8]) {
    var reader = DERReader(bytes[...], "test")
    #expect(code { _ = try reader.next(4, "string") } == .malformed)
  }

  @Test("what follows the end is noticed")
  func end() throws {
    var reader = DERReader([5, 0, 5, 0][...], "test")
    _ = try reader.next(5, "null")
    #expect(code { try reader.end() } == .malformed)
    #expect(try reader.nextIfPresent(4, "string") == nil)
    #expect(try reader.nextIfPresent(5, "null") != nil)
    #expect(code { try reader.end() } == nil)
  }
}
