import Foundation
import TestSupport
import Testing

/// Boots in QEMU, one at a time: each takes a processor or two for half a minute at most.
@Suite(
  "booting in QEMU", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: findTool("qemu-system-x86_64") != nil, "qemu-system-x86 is missing"))
struct BootTests {
  private static let hasFirmware = FileManager.default.fileExists(atPath: "/usr/share/OVMF/OVMF_CODE_4M.fd")

  /// The console line that `tools/boot` waited for, and the whole console.
  private func boot(
    _ release: String, _ arguments: [String], name: String
  ) throws -> (line: String, console: String) {
    let log = "\(Bench.scratch)/console-\(name).log"
    let result = try run(
      ["bash", "\(Bench.repository)/tools/boot", release, "--log", log, "--seconds", "180"] + arguments)
    let console = String(
      decoding: (try? Data(contentsOf: URL(fileURLWithPath: log))) ?? Data(), as: UTF8.self)
    #expect(result.status == 0, "\(result.errorText)")
    return (String(result.text.prefix { $0 != "\n" }), console)
  }

  /// The words `key=value` of a report.
  private func facts(_ line: String) -> [String: String] {
    var facts: [String: String] = [:]
    for word in line.split(separator: " ") {
      let parts = word.split(separator: "=", maxSplits: 1)
      if parts.count == 2 { facts[String(parts[0])] = String(parts[1]) }
    }
    return facts
  }

  private func expectWell(_ facts: [String: String], _ release: Release) {
    #expect(facts["state"] == "running")
    #expect(facts["target"] == "active")
    #expect(facts["failed-units"] == "0")
    #expect(facts["root"] == "erofs")
    #expect(facts["verity"] == "verified")
    #expect(facts["read-only"] == "yes")
    #expect(facts["root-hash"] == release.rootHash)
    #expect(facts["image"] == "minimal")
  }

  @Test(
    "UEFI: the device is well, and its TPM shows the PCR 11 that the release promises",
    .enabled(if: hasFirmware && findTool("swtpm") != nil, "ovmf or swtpm is missing"))
  func uefi() async throws {
    let release = try await Bench.release()
    let (line, _) = try boot(release.path, ["--path", "uefi", "--tpm"], name: "uefi")
    let facts = facts(line)
    expectWell(facts, release)
    #expect(facts["pcr11"]?.lowercased() == release.pcr11)
  }

  @Test("BIOS: the split kernel and initrd bring the same device up")
  func bios() async throws {
    let release = try await Bench.release()
    let (line, console) = try boot(release.path, ["--path", "bios", "--append", "loglevel=7"], name: "bios")
    expectWell(facts(line), release)
    // What a refused boot must not show.
    #expect(console.contains("systemd[1]"))
  }

  @Test("one byte changed in a frame of the initrd: stage 0 names the frame, halts, and never starts systemd")
  func damagedFrame() async throws {
    let release = try await Bench.release()
    let frames = try FileManager.default.contentsOfDirectory(atPath: "\(release.path)/frames")
    let sizes = try frames.map { ($0, try release.bytes("frames/\($0)").count) }
    let frame = try #require(sizes.max { $0.1 < $1.1 }).0
    let copy = try release.linked(at: "\(Bench.scratch)/damaged-initrd")
    var initrd = Data(try release.bytes("initrd"))
    let place = try #require(initrd.range(of: Data(try release.bytes("frames/\(frame)"))))
    initrd[place.lowerBound + place.count / 2] ^= 0x04
    unlink("\(copy)/initrd")
    try initrd.write(to: URL(fileURLWithPath: "\(copy)/initrd"))
    let (line, console) = try boot(
      copy, ["--path", "bios", "--append", "loglevel=7", "--until", "netimg: cannot boot.*"], name: "frame")
    #expect(line.hasPrefix("netimg: cannot boot: frame \(frame) is corrupt: "), "\(line)")
    #expect(line.hasSuffix("; halted"), "\(line)")
    #expect(!console.contains("systemd[1]"))
  }

  @Test(
    "another index than the command line pins is refused; netimg.onfailure=poweroff switches the machine off")
  func wrongIndex() async throws {
    let release = try await Bench.release()
    let copy = try release.linked(at: "\(Bench.scratch)/wrong-index")
    let pinned = try #require(release.commandLine.split(separator: "netimg.index=").last).prefix(64)
    let other = String(pinned.reversed())
    let text = String(decoding: try release.bytes("release.json"), as: UTF8.self)
    unlink("\(copy)/release.json")
    try Data(text.replacingOccurrences(of: "netimg.index=\(pinned)", with: "netimg.index=\(other)").utf8)
      .write(to: URL(fileURLWithPath: "\(copy)/release.json"))
    let (line, _) = try boot(
      copy,
      [
        "--path", "bios", "--append", "netimg.onfailure=poweroff", "--off", "--until",
        "netimg: cannot boot.*",
      ],
      name: "index")
    #expect(
      line
        == "netimg: cannot boot: the root image index has SHA-256 \(pinned), but netimg.index on the command "
        + "line asks for \(other); switching off")
  }

  @Test("an unknown netimg. word is refused; netimg.onfailure=reboot reboots")
  func unknownWord() async throws {
    let release = try await Bench.release()
    let (line, _) = try boot(
      release.path,
      [
        "--path", "bios", "--append", "netimg.onfailure=reboot netimg.indx=1", "--off", "--until",
        "netimg: cannot boot.*",
      ], name: "word")
    #expect(
      line == "netimg: cannot boot: netimg.indx is not known: netimg.index and netimg.onfailure are; "
        + "rebooting in 10 s")
  }

  @Test(
    "one byte changed behind the mounted root is refused by the kernel at the next read, and only there",
    .enabled(
      if: findTool("gcc") != nil && findTool("cpio") != nil && findTool("zstd") != nil,
      "gcc, cpio or zstd is missing"))
  func changedBlock() async throws {
    let release = try await Bench.release()
    let image = try await RootImageTests.image()
    let copy = try release.linked(at: "\(Bench.scratch)/guest")
    let root = "\(Bench.scratch)/guest-initrd"
    let bytes = try Data(contentsOf: URL(fileURLWithPath: image))
    let offset = try #require(bytes.range(of: Data("IMAGE_ID=minimal\n".utf8))).lowerBound
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    try Data("\(release.rootHash) \(release.dataSize) \(offset) /usr/lib/os-release\n".utf8)
      .write(to: URL(fileURLWithPath: "\(root)/parameters"))
    unlink("\(copy)/initrd")
    let shim = "\(Bench.repository)/Sources/CPosixShim"
    let commands = """
      set -e
      # The modules are the release's own, from the first archive of its initrd.
      zstd -dcq < '\(release.path)/initrd' 2> /dev/null | cpio -idm --quiet 'netimg/*' || [ -e netimg/modules/order ]
      gcc -static -O1 -o init -I'\(shim)/include' '\(Bench.repository)/Tests/EndToEndTests/Guest/verity.c' \
        '\(shim)/posix.c' '\(shim)/block.c'
      ln '\(image)' root.img || cp '\(image)' root.img
      find . | cpio -o -H newc --quiet > '\(copy)/initrd'
      """
    let made = try run(["sh", "-c", commands], directory: root)
    try #require(made.status == 0, "\(made.errorText)")
    let (line, _) = try boot(copy, ["--path", "bios", "--off", "--until", "guest: .*"], name: "guest")
    #expect(line == "guest: before=ok flipped=EIO other=ok restored=ok status=verity C")
  }
}
