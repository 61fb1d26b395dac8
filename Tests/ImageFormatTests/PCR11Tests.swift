import Bytes
import FoundationEssentials
import ImageFormat
import TestSupport
import Testing

@Suite("Expected PCR 11")
struct PCR11Tests {
  /// systemd's own calculator, in its private directory.
  static let calculator = "/usr/lib/systemd/systemd-measure"

  // systemd-measure 252 knows neither .uname nor .sbat, so the sections here are those that both know.
  @Test(
    "systemd-measure calculates the same, phase by phase",
    .enabled(if: findTool(calculator) != nil, "systemd-measure is missing"))
  func calculate() async throws {
    let sections: [(name: String, content: ByteRope)] = [
      (".cmdline", ByteRope([UInt8]("quiet".utf8))),
      (".initrd", ByteRope([UInt8](repeating: 1, count: 100_000))),
      (".osrel", ByteRope([UInt8]("ID=netimg\n".utf8))),
      (".pcrpkey", ByteRope([UInt8]("key".utf8))),
      (".linux", ByteRope([UInt8](repeating: 2, count: 4097))),
      (".dtb", ByteRope([9])),
      (".splash", ByteRope([8])),
    ]
    try await withScratchDirectory { directory in
      var arguments = [Self.calculator, "calculate", "--bank=sha256"]
      for (name, content) in sections {
        let file = directory.appendingPathComponent("section\(name)")
        try Data(content.flattened()).write(to: file)
        arguments.append("--\(name.dropFirst())=\(file.path)")
      }
      func calculated(_ phase: String) throws -> String? {
        let result = try run(arguments + ["--phase=\(phase)"])
        let line = result.text.split(separator: "\n").first { $0.hasPrefix("11:sha256=") }
        return line.map { String($0.dropFirst("11:sha256=".count)) }
      }
      var value = try PCR11.expected(sections: sections)
      let base = try calculated(":")
      #expect(base == value.hex)
      var path: [String] = []
      for phase in PCR11.phases {
        path.append(phase)
        value = PCR11.extend(value, phase: phase)
        let expected = try calculated(path.joined(separator: ":"))
        #expect(expected == value.hex, "\(phase)")
      }
    }
  }

  @Test("Each event is the digest of the name with NUL, then of the bytes, in the stub's order")
  func byHand() throws {
    // .sbat comes after .uname whatever the order given; .text and .pcrsig do not count.
    let value = try PCR11.expected(sections: [
      (".sbat", ByteRope([1])), (".text", ByteRope([2])), (".uname", ByteRope([3])),
      (".pcrsig", ByteRope([4])),
      (".osrel", ByteRope()),
    ])
    var register = [UInt8](repeating: 0, count: 32)
    for event: [UInt8] in [Array(".uname\0".utf8), [3], Array(".sbat\0".utf8), [1]] {
      register = SHA256.digest(of: register + SHA256.digest(of: event).bytes).bytes
    }
    #expect(value.bytes == register)
    #expect(try PCR11.expected(sections: []).bytes == [UInt8](repeating: 0, count: 32))
  }

  @Test("An assembled image has the value of its sections and its stub's .sbat")
  func assembled() throws {
    let image = try PEImage(
      UnifiedKernelImage.assemble(stub: SamplePE.small(), sections: UnifiedKernelImageTests.sections))
    let sbat = ByteRope([UInt8](repeating: 0x73, count: 0x200) + [UInt8](repeating: 0, count: 16))
    let sections = UnifiedKernelImageTests.sections + [(name: ".sbat", content: sbat)]
    let expected = try PCR11.expected(sections: sections)
    #expect(PCR11.expected(of: image) == expected)
    #expect(try PCR11.expected(sections: UnifiedKernelImageTests.sections) != expected)
  }

  @Test("The zeros behind a kernel that is larger in memory are measured")
  func padding() throws {
    let kernel = ByteRope(SamplePE.small())
    let sections = [(name: ".linux", content: kernel)]
    let image = try PEImage(UnifiedKernelImage.assemble(stub: SamplePE.small(), sections: sections))
    let sbat = try #require(image.section(named: ".sbat").map { image.contents(of: $0) })
    #expect(try PCR11.expected(sections: sections + [(".sbat", sbat)]) == PCR11.expected(of: image))
    let unpadded = try PCR11.expected(sections: [(".linux", ByteRope([UInt8](repeating: 0, count: 0x3000)))])
    #expect(try PCR11.expected(sections: sections) != unpadded)
  }

  @Test("A section that is there twice is refused")
  func duplicate() {
    let error = #expect(throws: ImageFormatError.self) {
      try PCR11.expected(sections: [(".linux", ByteRope([1])), (".linux", ByteRope([1]))])
    }
    #expect(error?.code == .duplicate)
  }
}
