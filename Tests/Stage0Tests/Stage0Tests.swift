import Bytes
import CPosixShim
import FoundationEssentials
import FrameFormat
import Stage0
import TestSupport
import Testing

@Suite("stage 0: the kernel command line")
struct BootOptionsTests {
  private let digest = SHA256.digest(of: [1]).hex

  @Test("without a word for stage 0 the machine stops on failure and pins nothing")
  func defaults() throws {
    let options = try BootOptions(commandLine: Array("console=ttyS0 quiet root=/dev/sda1\n".utf8))
    #expect(options == BootOptions())
    #expect(options.onFailure == .stop)
    #expect(options.index == nil)
  }

  @Test("the failure action and the pinned index")
  func words() throws {
    let options = try BootOptions(commandLine: Array("netimg.index=\(digest)  netimg.onfailure=reboot".utf8))
    #expect(options.onFailure == .reboot)
    #expect(options.index?.hex == digest)
  }

  @Test(
    "what is not understood is refused, never ignored",
    arguments: [
      "netimg.index=12", "netimg.index", "netimg.indx=1", "netimg.onfailure=shell", "netimg.onfailure=",
      "netimg.index=\(SHA256.digest(of: [1]).hex) netimg.index=\(SHA256.digest(of: [2]).hex)",
    ])
  func refused(line: String) {
    #expect(throws: Stage0Error.self) { try BootOptions(commandLine: Array(line.utf8)) }
  }

  @Test("the failure action is known even if the rest of the line is refused")
  func actionAlone() {
    let line = Array("netimg.onfailure=poweroff netimg.bad=1".utf8)
    #expect(BootOptions.failureAction(commandLine: line) == .powerOff)
    #expect(BootOptions.failureAction(commandLine: Array("x".utf8)) == .stop)
  }
}

@Suite("stage 0: putting the root image together")
struct RootImageTests {
  private struct Fixture {
    let index: RootIndex
    let image: [UInt8]
    let directory: String
  }

  private func fixture(in directory: URL) throws -> Fixture {
    var frames: [RootIndex.Frame] = []
    var image: [UInt8] = []
    // The first and the last frame are the same bytes: one file for two places.
    for number in [0, 1, 2, 3, 4, 0] {
      let content = (0..<8192).map { UInt8(truncatingIfNeeded: ($0 / 7) &* (number + 3)) }
      let stored = try content.withUnsafeBytes { try FrameCodec.compress($0, level: 3) }
      let frame = RootIndex.Frame(
        digest: SHA256.digest(of: stored), storedSize: stored.count, size: content.count)
      try Data(stored).write(to: directory.appendingPathComponent(frame.digest.hex))
      frames.append(frame)
      image += content
    }
    let index = RootIndex(dataSize: 40960, rootHash: SHA256.digest(of: [0]), frames: frames)
    return Fixture(index: index, image: image, directory: directory.path)
  }

  @Test(
    "the frames' contents, in order, with any number of threads; the memory file is sealed",
    arguments: [1, 2, 9])
  func assembles(threads: Int) async throws {
    try await withScratchDirectory { directory in
      let fixture = try fixture(in: directory)
      let file = try RootImage.assemble(
        fixture.index, framesIn: fixture.directory, threads: threads, consuming: true)
      defer { close(file) }
      var bytes = [UInt8](repeating: 0, count: fixture.image.count + 1)
      let count = bytes.withUnsafeMutableBytes { pread(file, $0.baseAddress, $0.count, 0) }
      #expect(count == fixture.image.count)
      #expect(Array(bytes.dropLast()) == fixture.image)
      #expect(pwrite(file, [1], 1, 0) == -1, "a sealed file takes no write")
      // What was used once is gone; what stands twice in the image stays.
      let left = try FileManager.default.contentsOfDirectory(atPath: fixture.directory)
      #expect(left == [fixture.index.frames[0].digest.hex])
    }
  }

  @Test("a flipped bit, a short file and a missing file are refused with the frame's name")
  func refuses() async throws {
    try await withScratchDirectory { directory in
      let fixture = try fixture(in: directory)
      let victim = fixture.index.frames[2]
      let path = directory.appendingPathComponent(victim.digest.hex)
      let good = try [UInt8](Data(contentsOf: path))
      var flipped = good
      flipped[good.count / 2] ^= 0x10
      for bytes in [flipped, Array(good.dropLast()), good + [0], nil] {
        if let bytes { try Data(bytes).write(to: path) } else { try FileManager.default.removeItem(at: path) }
        do {
          let file = try RootImage.assemble(
            fixture.index, framesIn: fixture.directory, threads: 2, consuming: false)
          close(file)
          Issue.record("a damaged frame was accepted")
        } catch let error as Stage0Error {
          #expect(error.message.contains(victim.digest.hex))
        }
      }
    }
  }
}
