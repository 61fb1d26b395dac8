import Bytes
import ImageFormat
import Testing

@Suite("PE32+ reader")
struct PEImageTests {
  private static func code(_ bytes: [UInt8]) -> ImageFormatError.Code? {
    do {
      _ = try PEImage(ByteRope(bytes))
      return nil
    } catch {
      return error.code
    }
  }

  private static func patched(_ changes: [(Int, [UInt8])]) -> [UInt8] {
    var bytes = SamplePE.small()
    for (offset, replacement) in changes {
      bytes.replaceSubrange(offset..<offset + replacement.count, with: replacement)
    }
    return bytes
  }

  @Test("Sections are found by name, with their bytes in memory")
  func read() throws {
    let image = try PEImage(ByteRope(SamplePE.small()))
    #expect(image.machine == 0x8664)
    #expect(image.certificates.isEmpty)
    #expect(image.sections.map(\.name) == [".text", ".sbat"])
    let text = try #require(image.section(named: ".text"))
    #expect(text.virtualAddress == 0x1000 && text.fileRange == 0x400..<0x600)
    #expect(image.contents(of: text).flattened() == [UInt8](repeating: 0x90, count: 300))
    // 0x10 bytes more in memory than in the file.
    let sbat = try #require(image.section(named: ".sbat"))
    let expected = [UInt8](repeating: 0x73, count: 0x200) + [UInt8](repeating: 0, count: 16)
    #expect(image.contents(of: sbat).flattened() == expected)
    #expect(image.section(named: ".linux") == nil)
  }

  @Test("It does not matter how the file is cut into chunks")
  func chunks() throws {
    let bytes = SamplePE.small()
    var rope = ByteRope()
    for start in stride(from: 0, to: bytes.count, by: 7) {
      rope.append(Array(bytes[start..<min(start + 7, bytes.count)]))
    }
    let cut = try PEImage(rope)
    let whole = try PEImage(ByteRope(bytes))
    #expect(cut.sections == whole.sections)
    #expect(try cut.authenticodeDigest() == whole.authenticodeDigest())
  }

  @Test("The digest leaves out CheckSum and the certificate entry, and nothing else")
  func digest() throws {
    let bytes = SamplePE.small()
    let checkSum = SamplePE.optionalOffset + 64
    let directory = SamplePE.optionalOffset + 144
    let covered = bytes[..<checkSum] + bytes[(checkSum + 4)..<directory] + bytes[(directory + 8)...]
    let digest = try PEImage(ByteRope(bytes)).authenticodeDigest()
    #expect(digest == SHA256.digest(of: Array(covered)))
    var changed = bytes
    changed[checkSum] ^= 0xFF
    #expect(try PEImage(ByteRope(changed)).authenticodeDigest() == digest)
    for position in [2, 0x100, 0x400, bytes.count - 1] {
      changed = bytes
      changed[position] ^= 0xFF
      #expect(try PEImage(ByteRope(changed)).authenticodeDigest() != digest, "byte \(position)")
    }
    // Three bytes behind the sections are covered, padded to eight as signers pad them.
    let trailing = try PEImage(ByteRope(bytes + [1, 2, 3])).authenticodeDigest()
    #expect(trailing == SHA256.digest(of: Array(covered) + [1, 2, 3, 0, 0, 0, 0, 0]))
  }

  @Test("Every truncated prefix throws")
  func truncated() {
    let bytes = SamplePE.small()
    for count in 0..<bytes.count {
      #expect(Self.code(Array(bytes[..<count])) != nil, "\(count) bytes")
    }
  }

  @Test("Each lie of a header has its error")
  func lies() {
    let table = SamplePE.sectionTableOffset
    let optional = SamplePE.optionalOffset
    let big: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF]
    let attacks: [(String, ImageFormatError.Code, [(Int, [UInt8])])] = [
      ("no MZ", .corrupt, [(0, [0x4E])]),
      ("e_lfanew beyond the end", .truncated, [(0x3C, big)]),
      ("no PE signature", .corrupt, [(SamplePE.signatureOffset, [0])]),
      ("more sections than the headers hold", .corrupt, [(SamplePE.sectionCountOffset, [60, 0])]),
      ("65535 sections", .tooLarge, [(SamplePE.sectionCountOffset, [0xFF, 0xFF])]),
      ("a short optional header", .unsupported, [(SamplePE.optionalSizeOffset, [100, 0])]),
      ("a table behind the headers", .corrupt, [(SamplePE.optionalSizeOffset, [0xFF, 0xFF])]),
      ("PE32", .unsupported, [(optional, [0x0B, 0x01])]),
      ("section alignment 0", .corrupt, [(optional + 32, [0, 0, 0, 0])]),
      ("file alignment 3", .corrupt, [(optional + 36, [3, 0, 0, 0])]),
      ("alignment 2^31", .corrupt, [(optional + 36, [0, 0, 0, 0x80])]),
      ("SizeOfHeaders beyond the file", .corrupt, [(optional + 60, big)]),
      ("SizeOfHeaders before the table", .corrupt, [(optional + 60, [0, 1, 0, 0])]),
      ("no certificate directory", .unsupported, [(optional + 108, [4, 0, 0, 0])]),
      ("certificates beyond the file", .corrupt, [(optional + 144, [0, 8, 0, 0, 16, 0, 0, 0])]),
      ("certificates of 4 GiB", .corrupt, [(optional + 144, big + big)]),
      ("certificates in the headers", .corrupt, [(optional + 144, [0, 1, 0, 0, 16, 0, 0, 0])]),
      ("raw data beyond the file", .truncated, [(table + 20, big)]),
      ("raw size beyond the file", .truncated, [(table + 16, big)]),
      ("memory beyond SizeOfImage", .corrupt, [(table + 8, big)]),
      ("address beyond SizeOfImage", .corrupt, [(table + 40 + 12, big)]),
      ("overlapping memory", .corrupt, [(table + 40 + 12, [0, 0x10, 0, 0])]),
    ]
    for (name, expected, changes) in attacks {
      #expect(Self.code(Self.patched(changes)) == expected, "\(name)")
    }
  }

  @Test("Sections that overlap or leave gaps in the file have no digest")
  func gaps() throws {
    for offset: UInt32 in [0x400, 0x5F0, 0x500] {
      var section = SamplePE.sbat
      section.rawOffset = offset
      let image = try PEImage(ByteRope(SamplePE.small(sections: [SamplePE.text, section])))
      let error = #expect(throws: ImageFormatError.self) { try image.authenticodeDigest() }
      #expect(error?.code == .unsupported)
    }
  }

  @Test("No single damaged byte traps, whatever is asked of the image")
  func mutations() {
    let bytes = SamplePE.small()
    var refused = 0
    for position in 0..<SamplePE.sectionTableOffset + 80 {
      for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
        var changed = bytes
        changed[position] = value
        guard let image = try? PEImage(ByteRope(changed)) else {
          refused += 1
          continue
        }
        for section in image.sections {
          #expect(image.contents(of: section).count == Int(section.virtualSize))
        }
        _ = try? image.authenticodeDigest()
        _ = try? UnifiedKernelImage.assemble(stub: changed, sections: [(".linux", ByteRope(bytes))])
      }
    }
    #expect(refused > 100)
  }
}
