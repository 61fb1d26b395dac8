import BlobStore
import Bytes
import Foundation
import FrameFormat
import Testing
import TestSupport

@testable import ImageBuilder

@Suite("the initrd, read by cpio, zstd and bsdtar")
struct InitrdTests {
  private let modules = [
    Initrd.Module(name: "loop", bytes: Array("loop module".utf8), isOptional: false),
    Initrd.Module(name: "sha256_ssse3", bytes: Array("fast".utf8), isOptional: true),
  ]

  /// Two frames with the same bytes, and one of its own.
  private func image() throws -> RootImage {
    var frames: [RootIndex.Frame] = []
    var stored: [[UInt8]] = []
    for seed in [1, 2, 1] {
      let content = [UInt8](repeating: UInt8(seed), count: 4096)
      let bytes = try content.withUnsafeBytes { try FrameCodec.compress($0, level: 1) }
      stored.append(bytes)
      frames.append(RootIndex.Frame(digest: SHA256.digest(of: bytes), storedSize: bytes.count, size: 4096))
    }
    return RootImage(
      index: RootIndex(dataSize: 8192, rootHash: SHA256.digest(of: [7]), frames: frames), frames: stored)
  }

  private func initrd(_ image: RootImage) throws -> [UInt8] {
    let store = FileManager.default.temporaryDirectory.appendingPathComponent(
      "netimg-initrd-\(UUID().uuidString)")
    defer { try? FileManager.default.removeItem(at: store) }
    return try Initrd.write(
      stage0: Array("stage 0".utf8), modules: modules, image: image, compressionLevel: 3,
      cache: FrameCache(store: BlobStore(root: store.path))
    ).flattened()
  }

  @Test(
    "first a compressed archive with program and modules, then a plain one with index and frames",
    .enabled(
      if: findTool("zstd") != nil && findTool("cpio") != nil && findTool("bsdtar") != nil,
      "zstd, cpio or bsdtar (libarchive-tools) is missing"))
  func foreign() async throws {
    let image = try image()
    let bytes = try initrd(image)
    let second = try #require(
      // Inode 1 stands once in each archive, and the first archive's may show through its compression.
      bytes.indices.last { $0 % 4 == 0 && bytes[$0...].starts(with: Array("07070100000001".utf8)) })
    // Up to three zeros fill the first archive up to a multiple of four, which zstd takes for another frame.
    var end = second
    while second - end < 3, bytes[end - 1] == 0 { end -= 1 }
    try await withScratchDirectory { scratch in
      func extract(_ command: String, _ bytes: ArraySlice<UInt8>, _ name: String) throws -> [String] {
        let place = scratch.appendingPathComponent(name).path
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
        let result = try run(["sh", "-c", command], input: Array(bytes), directory: place)
        #expect(result.status == 0, "\(command): \(result.errorText)")
        return try run(
          [
            // cpio fills directories after it has set their times.
            "find", ".", "-mindepth", "1", "-type", "d", "-printf", "%P %m\\n", "-o", "-printf",
            "%P %m %Ts\\n",
          ], directory: place
        ).text
          .split(separator: "\n").map(String.init).sorted()
      }
      // Of no time, so that the same program and modules are the same archive in every release.
      let time = 0
      let first = try extract("zstd -dcq | cpio -idm --quiet", bytes[..<end], "first")
      #expect(
        first == [
          "init 755 \(time)", "netimg 700", "netimg/modules 700",
          "netimg/modules/loop.ko 600 \(time)", "netimg/modules/order 600 \(time)",
          "netimg/modules/sha256_ssse3.ko 600 \(time)",
        ], "\(first)")
      let order = scratch.appendingPathComponent("first/netimg/modules/order")
      #expect(try String(contentsOf: order, encoding: .utf8) == "loop.ko\n?sha256_ssse3.ko\n")
      _ = try extract("cpio -idm --quiet", bytes[second...], "second")
      let place = scratch.appendingPathComponent("second/netimg").path
      let names = try FileManager.default.contentsOfDirectory(atPath: "\(place)/frames")
      #expect(names.sorted() == Set(image.index.frames.map(\.digest.hex)).sorted())
      #expect([UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(place)/index"))) == image.index.encode())
      for (frame, stored) in zip(image.index.frames, image.frames) {
        #expect(
          [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(place)/frames/\(frame.digest.hex)"))) == stored
        )
      }
      let list = try run(["bsdtar", "-tvf", "-"], input: Array(bytes[..<end]))
      #expect(list.text.contains("init") && list.text.contains("netimg/modules/order"), "\(list.errorText)")
      #expect(list.text.split(separator: "\n").allSatisfy { $0.contains(" 0 ") })
    }
  }

  @Test(
    "the bytes are these",
    .enabled(
      if: FrameCodec.isPinned,
      "this build has zstd \(FrameCodec.encoder), not the pinned \(FrameCodec.pinnedEncoder): tools/test links that"
    ))
  func golden() throws {
    let digest = SHA256.digest(of: try initrd(image())).hex
    #expect(digest == "4f831cf93ff9de3c3e548e034ce06f246a728c7072792fca531f2367cdd6b961")
  }

  @Test("the same input gives the same bytes")
  func deterministic() throws {
    let image = try image()
    #expect(try initrd(image) == initrd(image))
  }
}
