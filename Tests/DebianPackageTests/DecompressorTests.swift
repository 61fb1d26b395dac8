import Testing

@testable import DebianPackage

/// Streams made by the usual compressors.
@Suite struct DecompressorTests {
  private static let tools: [(Compression, String, [String])] = [
    (.gzip, "gzip", ["-9nc"]), (.xz, "xz", ["-c"]), (.zstd, "zstd", ["-qc"]), (.bzip2, "bzip2", ["-c"]),
  ]

  private static let text: [UInt8] = (0..<40_000).flatMap {
    Array("line \($0 &* 2_654_435_761 % 9973)\n".utf8)
  }

  private func code(_ bytes: [UInt8], _ compression: Compression, limit: Int = 1 << 30) -> DebianPackageError
    .Code?
  {
    do throws(DebianPackageError) {
      _ = try Decompressor.decompress(bytes, as: compression, limit: limit, name: "sample")
      return nil
    } catch {
      return error.code
    }
  }

  private func compressed(_ bytes: [UInt8], _ compression: Compression) throws -> [UInt8] {
    guard let tool = Self.tools.first(where: { $0.0 == compression }) else { return bytes }
    return try Tool.must(tool.1, tool.2, input: bytes)
  }

  private static let present = Tool.exists("gzip", "xz", "zstd", "bzip2")

  @Test(.enabled(if: present, "needs gzip, xz, zstd and bzip2"), arguments: Compression.allCases)
  func roundTrip(_ compression: Compression) throws {
    for sample in [[], [0x61], Self.text, [UInt8](repeating: 0, count: 3_000_000)] {
      let packed = try compressed(sample, compression)
      let output = try Decompressor.decompress(packed, as: compression, limit: sample.count, name: "sample")
      #expect(output == sample)
      if !sample.isEmpty {
        #expect(code(packed, compression, limit: sample.count - 1) == .limit)
      }
    }
  }

  @Test(.enabled(if: present, "needs gzip, xz, zstd and bzip2"), arguments: tools.map(\.0))
  func truncationIsAlwaysNoticed(_ compression: Compression) throws {
    for sample in [[], Array(Self.text.prefix(3000))] {
      let packed = try compressed(sample, compression)
      for length in 0..<packed.count {
        #expect(
          code(Array(packed[..<length]), compression) == .corrupt,
          "\(compression) \(length) of \(packed.count)")
      }
    }
  }

  @Test(.enabled(if: present, "needs gzip, xz, zstd and bzip2"), arguments: tools.map(\.0))
  func damageNeverYieldsOtherBytes(_ compression: Compression) throws {
    let sample = Array(Self.text.prefix(3000))
    let packed = try compressed(sample, compression)
    for offset in packed.indices {
      var damaged = packed
      damaged[offset] ^= 0x04
      let output = try? Decompressor.decompress(damaged, as: compression, limit: 1 << 30, name: "sample")
      #expect(output == nil || output == sample, "\(compression) \(offset)")
    }
  }

  @Test(.enabled(if: present, "needs gzip, xz, zstd and bzip2"), arguments: tools.map(\.0))
  func whatFollowsOrNestsIsRefused(_ compression: Compression) throws {
    let packed = try compressed(Self.text, compression)
    #expect(code(packed + Array("trailing".utf8), compression) == .corrupt)
    #expect(code(try compressed(packed, compression), compression) == .corrupt)
    for other in Self.tools.map(\.0) where other != compression {
      #expect(code(packed, other) == .corrupt)
    }
    #expect(code(Self.text, compression) == .corrupt)
  }

  @Test func checksumIsTheOneOfTheRFC() {
    var checksum = CRC32()
    Array("123456789".utf8).withUnsafeBytes { checksum.update($0) }
    #expect(checksum.value == 0xCBF4_3926)
  }

  @Test func namesPromiseCompressions() {
    #expect(Compression(fileName: "a.ko.xz") == .xz)
    #expect(Compression(fileName: "Packages.gz") == .gzip)
    #expect(Compression(fileName: "data.tar.zst") == .zstd)
    #expect(Compression(fileName: "x.bz2") == .bzip2)
    #expect(Compression(fileName: "data.tar") == .none)
  }
}
