import Bytes
import Foundation
import NativeActions
import Testing

@Suite struct ELFFileTests {
  /// A library with everything that the reader looks at.
  static var golden: MiniELF {
    var elf = MiniELF()
    elf.interpreter = "/lib64/ld-linux-x86-64.so.2"
    elf.dynamicStrings = [
      "libone.so.1", "libc.so.6", "libself.so.2", "/a:/b", "GLIBC_2.2.5", "GLIBC_2.34", "SELF_1",
    ]
    elf.dynamic = [(1, .string(0)), (1, .string(1)), (14, .string(2)), (29, .string(3)), (15, .string(3))]
    elf.versionNeeds =
      littleEndian([(2, 1), (2, 2), (4, UInt64(elf.stringOffset(1))), (4, 16), (4, 0)])
      + littleEndian([(4, 0), (2, 0), (2, 2), (4, UInt64(elf.stringOffset(4))), (4, 16)])
      + littleEndian([(4, 0), (2, 0), (2, 3), (4, UInt64(elf.stringOffset(5))), (4, 0)])
    elf.versionNeedCount = 1
    elf.versionDefinitions =
      littleEndian([(2, 1), (2, 1), (2, 1), (2, 1), (4, 0), (4, 20), (4, 28)])
      + littleEndian([(4, UInt64(elf.stringOffset(2))), (4, 0)])
      + littleEndian([(2, 1), (2, 0), (2, 2), (2, 1), (4, 0), (4, 20), (4, 0)])
      + littleEndian([(4, UInt64(elf.stringOffset(6))), (4, 0)])
    elf.versionDefinitionCount = 2
    // A property of another type first, so that padding to 8 bytes is walked over.
    elf.note =
      littleEndian([(4, 4), (4, 32), (4, 5)]) + [0x47, 0x4E, 0x55, 0]
      + littleEndian([(4, 0xC000_0002), (4, 4), (4, 3), (4, 0)])
      + littleEndian([(4, 0xC000_8002), (4, 4), (4, 0b110), (4, 0)])
    elf.sections = [(".text", [1, 2, 3]), (".modinfo", [UInt8]("name=x".utf8) + [0])]
    return elf
  }

  @Test func readsEveryField() throws {
    let elf = try ELFFile(Self.golden.encode(), path: "golden")
    #expect(elf.machine == .amd64)
    #expect(elf.kind == .shared)
    #expect(elf.interpreter == "/lib64/ld-linux-x86-64.so.2")
    #expect(elf.soname == "libself.so.2")
    #expect(elf.needed == ["libone.so.1", "libc.so.6"])
    #expect(elf.runpath == ["/a", "/b"])
    #expect(elf.rpath == ["/a", "/b"])
    #expect(elf.versionNeeds.map(\.file) == ["libc.so.6"])
    #expect(elf.versionNeeds.map(\.versions) == [["GLIBC_2.2.5", "GLIBC_2.34"]])
    #expect(elf.versionDefinitions == ["SELF_1"])
    #expect(elf.isaNeeded == 0b110)
    #expect(elf.sections.map(\.name) == [".text", ".modinfo", ".shstrtab"])
    #expect(elf.data(ofSection: ".text") == [1, 2, 3])
    #expect(elf.data(ofSection: ".nothing") == nil)
  }

  @Test func everyTruncatedPrefixThrows() {
    let bytes = Self.golden.encode()
    for count in 0..<bytes.count {
      #expect(throws: NativeActionError.self) { try ELFFile([UInt8](bytes[..<count]), path: "prefix") }
    }
  }

  @Test func everyFlippedByteIsReadOrRefusedWithoutATrap() {
    let bytes = Self.golden.encode()
    for index in bytes.indices {
      for value: UInt8 in [0, 0x7F, 0xFF] {
        var hostile = bytes
        hostile[index] = value
        do throws(NativeActionError) {
          _ = try ELFFile(hostile, path: "hostile")
        } catch {
          #expect(error.description.hasPrefix("hostile: "))
        }
      }
    }
  }

  @Test func otherClassesAndOrdersAreUnsupported() {
    for (offset, value) in [(4, 1), (5, 2), (0, 0x23)] as [(Int, UInt8)] {
      var bytes = Self.golden.encode()
      bytes[offset] = value
      #expect(code { _ = try ELFFile(bytes, path: "x") } == .unsupported)
    }
  }

  @Test func aVersionChainThatPointsAtItselfEnds() {
    var elf = Self.golden
    // vn_cnt of 65535 with vna_next 0 in the first record: the same record again and again.
    elf.versionNeeds.replaceSubrange(2..<4, with: [0xFF, 0xFF])
    elf.versionNeeds.replaceSubrange(28..<32, with: [0, 0, 0, 0])
    #expect(code { _ = try ELFFile(elf.encode(), path: "x") } == .limitExceeded)
    elf = Self.golden
    elf.versionNeedCount = .max
    #expect(code { _ = try ELFFile(elf.encode(), path: "x") } == .limitExceeded)
  }

  @Test func aStringBeyondItsTableIsMalformed() {
    var elf = Self.golden
    elf.dynamic[0] = (1, .plain(1_000_000))
    #expect(code { _ = try ELFFile(elf.encode(), path: "x") } == .malformed)
  }

  @Test func aSegmentWhoseEndOverflowsIsRefused() {
    var bytes = Self.golden.encode()
    // p_offset of PT_INTERP, the second program header.
    bytes.replaceSubrange(64 + 56 + 8..<64 + 56 + 16, with: [UInt8](repeating: 0xFF, count: 8))
    #expect(code { _ = try ELFFile(bytes, path: "x") } == .truncated)
  }

  @Test func namesWithoutAStringTableAreMalformed() throws {
    var bytes = Self.golden.encode()
    let elf = try ELFFile(bytes, path: "x")
    #expect(!elf.needed.isEmpty)
    // DT_STRTAB (5) becomes a tag nobody knows.
    let table = [UInt8](littleEndian([(8, 5)]))
    let index = try #require(
      bytes.indices.dropLast(16).first { $0 % 8 == 0 && $0 > 300 && Array(bytes[$0..<$0 + 8]) == table })
    bytes[index] = 0x55
    #expect(code { _ = try ELFFile(bytes, path: "x") } == .malformed)
  }

  @Test(
    .enabled(if: HostProgram.exists("readelf"), "readelf (binutils) is missing"),
    arguments: [
      "/lib/x86_64-linux-gnu/libc.so.6", "/lib/x86_64-linux-gnu/libcrypt.so.1", "/bin/ls", "/usr/bin/openssl",
    ])
  func agreesWithReadelf(_ path: String) throws {
    guard FileManager.default.fileExists(atPath: path), let readelf = HostProgram("readelf") else { return }
    let elf = try ELFFile(try contents(path), path: path)
    func bracketed(_ line: Substring) -> String {
      String(line.split(separator: "[").last?.split(separator: "]").first ?? "")
    }
    let dynamic = try readelf.succeed(["-dW", path]).split(separator: "\n")
    #expect(elf.needed == dynamic.filter { $0.contains("(NEEDED)") }.map(bracketed))
    #expect(elf.soname == dynamic.first { $0.contains("(SONAME)") }.map(bracketed))
    let versions = try readelf.succeed(["-VW", path]).split(separator: "\n")
    func word(after label: String, _ line: Substring) -> String? {
      guard let range = line.firstRange(of: label) else { return nil }
      return line[range.upperBound...].split(separator: " ").first.map(String.init)
    }
    var needs: [String] = []
    var definitions: [String] = []
    for line in versions {
      if line.contains("Version: 1"), let file = word(after: "File: ", line) {
        needs.append(file)
      } else if line.contains("Rev: 1"), !line.contains("BASE"), let name = word(after: "Name: ", line) {
        definitions.append(name)
      } else if !line.contains("Rev:"), line.contains("Version: "), let name = word(after: "Name: ", line) {
        needs.append(name)
      }
    }
    #expect(elf.versionNeeds.flatMap { [$0.file] + $0.versions } == needs)
    #expect(elf.versionDefinitions == definitions)
    let headers = try readelf.succeed(["-SW", path]).split(separator: "\n").filter {
      $0.firstRange(of: /^ *\[ *[0-9]+\]/) != nil
    }
    #expect(elf.sections.count == headers.count - 1)
    for section in elf.sections { #expect(headers.contains { $0.contains(section.name) }) }
  }
}
