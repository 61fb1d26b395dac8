import Bytes
import FoundationEssentials
import Glibc
import ImageFormat
import TestSupport
import Testing

@Suite("cpio, newc")
struct CpioArchiveTests {
  private static func sample() throws -> ByteRope {
    var archive = CpioArchive(timestamp: 1_750_000_000)
    try archive.directory("dev")
    try archive.characterDevice("dev/console", major: 5, minor: 1)
    try archive.file("init", contents: ByteRope([UInt8]("#!/bin/true\n".utf8)), permissions: 0o755)
    try archive.directory("proc", permissions: 0o555)
    try archive.directory("proc/self")
    try archive.symlink("proc/self/exe", target: "/init")
    var rope = ByteRope([1, 2, 3])
    rope.append([4, 5])
    try archive.file("frames", contents: rope, owner: 7, group: 8)
    try archive.file("empty", contents: ByteRope())
    return archive.finish()
  }

  @Test("A header is the magic, thirteen numbers and the name, padded to four bytes")
  func golden() throws {
    var archive = CpioArchive(timestamp: 0x6000_0001)
    try archive.characterDevice("c", major: 5, minor: 1)
    try archive.file("ab", contents: ByteRope([0xff]), permissions: 0o644, owner: 16, group: 17)
    let bytes = archive.finish().flattened()
    let zero = "00000000"
    let device =
      "070701" + "00000001" + "00002180" + zero + zero + "00000001" + "60000001" + zero + zero + zero
      + "00000005" + "00000001" + "00000002" + zero + "c\0"
    let file =
      "070701" + "00000002" + "000081a4" + "00000010" + "00000011" + "00000001" + "60000001" + "00000001"
      + zero
      + zero + zero + zero + "00000003" + zero + "ab\0"
    let trailer =
      "070701" + zero + zero + zero + zero + "00000001" + zero + zero + zero + zero + zero + zero + "0000000b"
      + zero + "TRAILER!!!\0"
    var expected = [UInt8](device.utf8)
    expected += [UInt8](file.utf8)
    expected += [0, 0, 0]  // the second header's name ends at 113
    expected += [0xff, 0, 0, 0]
    expected += [UInt8](trailer.utf8)
    expected += [0, 0, 0]
    #expect(bytes == expected)
  }

  @Test(
    "cpio lists the names in the order of adding", .enabled(if: findTool("cpio") != nil, "cpio is missing"))
  func list() throws {
    let result = try run(["cpio", "-t", "--quiet"], input: Self.sample().flattened())
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errorText)")
    #expect(
      result.text.split(separator: "\n") == [
        "dev", "dev/console", "init", "proc", "proc/self", "proc/self/exe", "frames", "empty",
      ])
  }

  // Making a device node needs root.
  @Test(
    "cpio extracts what was put in",
    .enabled(
      if: findTool("cpio") != nil && geteuid() == 0, "cpio is missing, or the test does not run as root"))
  func extract() async throws {
    let archive = try Self.sample().flattened()
    try await withScratchDirectory { directory in
      let root = directory.path
      let result = try run(
        ["cpio", "-idm", "--quiet", "--no-absolute-filenames"], input: archive, directory: root)
      #expect(result.status == 0, "\(result.errorText)")
      // cpio leaves the times of symbolic links to the moment of extraction.
      let listed = try run([
        "find", root, "-mindepth", "1", "-type", "l", "-printf", "%P %y %m %U:%G %s %l\\n", "-o", "-printf",
        "%P %y %m %U:%G %s %T@\\n",
      ]).text
      var lines = listed.split(separator: "\n").filter { !$0.contains(" d ") }.map(String.init)
      lines.sort()
      #expect(
        lines == [
          "dev/console c 600 0:0 0 1750000000.0000000000",
          "empty f 644 0:0 0 1750000000.0000000000",
          "frames f 644 7:8 5 1750000000.0000000000",
          "init f 755 0:0 12 1750000000.0000000000",
          "proc/self/exe l 777 0:0 5 /init",
        ])
      #expect(try run(["stat", "-c", "%t:%T", root + "/dev/console"]).text == "5:1\n")
      #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: root + "/frames"))) == [1, 2, 3, 4, 5])
      #expect(try run(["stat", "-c", "%a", root + "/proc"]).text == "555\n")
    }
  }

  @Test(
    "bsdtar, another implementation, reads it too",
    .enabled(if: findTool("bsdtar") != nil, "bsdtar is missing"))
  func bsdtar() throws {
    let archive = try Self.sample().flattened()
    let result = try run(["bsdtar", "-tvf", "-"], input: archive)
    #expect(result.status == 0 && result.errors.isEmpty, "\(result.errorText)")
    let lines = result.text.split(separator: "\n").map {
      $0.split(separator: " ", omittingEmptySubsequences: true)
    }
    #expect(lines.count == 8)
    #expect(lines[1].first == "crw-------" && lines[5].suffix(3) == ["proc/self/exe", "->", "/init"])
    #expect(try run(["bsdtar", "-xOf", "-", "frames"], input: archive).output == [1, 2, 3, 4, 5])
  }

  @Test("Contents are shared, the length is a multiple of four, and the same calls give the same bytes")
  func rope() throws {
    let rope = try Self.sample()
    #expect(rope.count.isMultiple(of: 4))
    #expect(rope.chunks.contains([1, 2, 3]) && rope.chunks.contains([4, 5]))
    #expect(try Self.sample().digest == rope.digest)
  }

  @Test("What the kernel would drop or confuse is refused")
  func refused() {
    let long = String(repeating: "t", count: 4096)
    let attempts: [(ImageFormatError.Code?, (inout CpioArchive) throws -> Void)] = [
      (nil, { try $0.directory("d/e") }),
      (.invalidEntry, { try $0.directory("") }),
      (.invalidEntry, { try $0.directory("/d") }),
      (.invalidEntry, { try $0.directory("d/../e") }),
      (.duplicate, { try $0.directory("d") }),
      (.missingParent, { try $0.directory("x/y") }),
      (.missingParent, { try $0.directory("f/y") }),
      (.invalidEntry, { try $0.file("TRAILER!!!", contents: ByteRope()) }),
      (.invalidEntry, { try $0.file("g", contents: ByteRope(), permissions: 0o10000) }),
      (.invalidEntry, { try $0.symlink("s", target: "") }),
      (.invalidEntry, { try $0.symlink("s", target: "a\0") }),
      (.invalidEntry, { try $0.symlink("s", target: long) }),
    ]
    for (index, (expected, attempt)) in attempts.enumerated() {
      var archive = CpioArchive()
      var code: ImageFormatError.Code?
      do {
        try archive.directory("d")
        try archive.file("f", contents: ByteRope())
        try attempt(&archive)
      } catch { code = (error as? ImageFormatError)?.code }
      #expect(code == expected, "attempt \(index)")
    }
  }

  @Test("A file of 4 GiB does not fit")
  func tooLarge() throws {
    // Shared chunks: the rope is long, the memory is not.
    let chunk = [UInt8](repeating: 0, count: 1 << 24)
    var rope = ByteRope()
    for _ in 0..<256 { rope.append(chunk) }
    var archive = CpioArchive()
    let error = #expect(throws: ImageFormatError.self) { try archive.file("big", contents: rope) }
    #expect(error?.code == .tooLarge)
  }
}
