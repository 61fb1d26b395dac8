import BlobStore
import Bytes
import Foundation
import FrameFormat
import ImageFormat
import Testing
import TestSupport

@testable import ImageBuilder

/// A root with the sizes that decide how frames are cut.
private func sampleRoot() throws -> RootTree {
  let app = PackName(.package, "app")
  let frame = FramePlan.blocksPerFrame * EROFS.blockSize
  func bytes(_ count: Int, _ seed: Int) -> [UInt8] {
    [UInt8](repeating: UInt8(truncatingIfNeeded: seed), count: count)
  }
  var tree = RootTree()
  for (path, size, pack) in [
    ("usr/a/empty", 0, app), ("usr/a/one", 1, app), ("usr/a/block", 4096, app), ("usr/a/more", 4097, app),
    ("usr/b/frame", frame, PackName(.package, "big")), ("usr/b/over", frame + 1, PackName(.package, "big")),
    ("usr/c/last", 100, PackName(.generated, "files")),
  ] {
    let content = FileContent(bytes(size, path.utf8.count &* 7 &+ size % 13))
    try tree.add(RootNode(.file(content), mode: 0o640, pack: pack), at: path)
  }
  tree["usr/a/second name"] = tree["usr/a/more"]
  try tree.add(RootNode(.symlink("a/one"), mode: 0o777, pack: app), at: "usr/link")
  var owned = RootNode(.directory, mode: 0o2750, pack: app)
  (owned.owner, owned.group) = (.name("frr"), .number(77))
  try tree.add(owned, at: "srv/owned")
  tree["usr/a/one"]?.extendedAttributes["security.capability"] = try FileCapabilities.encode(
    ["cap_net_raw"], at: Declared.location)
  return tree
}

private let numbers = AccountNumbers(users: ["root": 0, "frr": 101], groups: ["root": 0])

private func write(_ tree: RootTree, timestamp: UInt64 = 1_700_000_000) async throws -> RootImage {
  try await withScratchDirectory { scratch in
    try await RootImage.write(
      tree, accounts: numbers,
      options: RootImageOptions(compressionLevel: 1, timestamp: timestamp, label: "sample"),
      cache: FrameCache(store: BlobStore(root: scratch.appendingPathComponent("store").path)))
  }
}

private func assemble(_ image: RootImage) throws -> [UInt8] {
  var bytes: [UInt8] = []
  for (frame, stored) in zip(image.index.frames, image.frames) {
    bytes += try [UInt8](unsafeUninitializedCapacity: frame.size) { buffer, count in
      try stored.withUnsafeBytes {
        try FrameCodec.decompress($0, of: frame, into: UnsafeMutableRawBufferPointer(buffer))
      }
      count = frame.size
    }
  }
  return bytes
}

@Suite("the root image")
struct RootImageTests {
  @Test("frames end with their pack and at 4 MiB; every file begins at a block, and padding is zero")
  func plan() throws {
    var plan = FramePlan()
    let small = FileContent([UInt8](repeating: 1, count: 5000))
    let big = FileContent([UInt8](repeating: 2, count: FramePlan.blocksPerFrame * EROFS.blockSize + 10))
    plan.append(pack: [small, FileContent([]), big])
    plan.append(pack: [FileContent([3]), small])
    plan.append(pack: [FileContent([])])
    #expect(plan.slices.map(\.blocks) == [1024, 3, 1])
    #expect(plan.nextBlock == 1 + 1024 + 3 + 1)
    #expect(plan.firstBlocks[ObjectIdentifier(small)] == 1)
    #expect(plan.firstBlocks[ObjectIdentifier(big)] == 3)
    for slice in plan.slices {
      let bytes = try slice.materialize()
      #expect(bytes.count == slice.blocks * EROFS.blockSize)
    }
    let first = try plan.slices[0].materialize()
    #expect(first[4999] == 1 && first[5000..<8192].allSatisfy { $0 == 0 } && first[8192] == 2)
    #expect(try plan.slices[1].materialize().suffix(4096 * 1 - 10).allSatisfy { $0 == 0 })
  }

  @Test(
    "foreign tools accept it, and the kernel reads what went in",
    .enabled(
      if: findTool("fsck.erofs") != nil && findTool("veritysetup") != nil,
      "erofs-utils or cryptsetup-bin is missing"))
  func foreign() async throws {
    let tree = try sampleRoot()
    let image = try await write(tree)
    try await withScratchDirectory { scratch in
      let file = scratch.appendingPathComponent("root.img").path
      try Data(try assemble(image)).write(to: URL(fileURLWithPath: file))
      let fsck = try run(["fsck.erofs", file])
      #expect(fsck.status == 0, "\(fsck.errorText)")
      let offset = "--hash-offset=\(image.index.dataSize)"
      let verity = try run(["veritysetup", "verify", file, file, image.index.rootHash.hex, offset])
      #expect(verity.status == 0, "\(verity.errorText)")
      guard geteuid() == 0 else { return }
      let place = scratch.appendingPathComponent("mounted").path
      try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      let mount = try run(["mount", "-t", "erofs", "-o", "loop,ro", file, place])
      try #require(mount.status == 0, "\(mount.errorText)")
      defer { _ = try? run(["umount", place]) }
      for path in tree.sortedPaths {
        guard case .file(let content) = tree[path]?.kind else { continue }
        let read = try Data(contentsOf: URL(fileURLWithPath: "\(place)/\(path)"))
        #expect([UInt8](read) == content.bytes, "\(path)")
      }
      let stat = { (path: String) in try run(["stat", "-c", "%a %u %g %h %Y", "\(place)/\(path)"]).text }
      #expect(try stat("srv/owned") == "2750 101 77 2 1700000000\n")
      #expect(try stat("usr/a/more") == "640 0 0 2 1700000000\n")
      #expect(try run(["getcap", "-n", "\(place)/usr/a/one"]).text.contains("cap_net_raw=ep"))
    }
  }

  @Test("order of insertion, time and company do not matter: the same tree gives the same bytes")
  func deterministic() async throws {
    let tree = try sampleRoot()
    let one = try await write(tree)
    // A dictionary that was filled in another order, and grew differently, iterates differently.
    var other = RootTree()
    for path in tree.sortedPaths.reversed() { other[path] = tree[path] }
    let reordered = other
    async let two = write(reordered)
    async let three = write(tree)
    for image in [try await two, try await three] {
      #expect(image.index == one.index)
      #expect(image.frames == one.frames)
    }
    #expect(try await write(tree, timestamp: 5).index.rootHash != one.index.rootHash)
  }

  @Test("a changed file costs its own frame, metadata and hash tree, nothing else")
  func delta() async throws {
    let tree = try sampleRoot()
    let before = try await write(tree)
    var changed = tree
    changed["usr/c/last"] = RootNode(
      .file(FileContent([UInt8](repeating: 9, count: 101))), mode: 0o640, pack: PackName(.generated, "files"))
    let after = try await write(changed)
    let known = Set(before.index.frames.map(\.digest))
    let new = after.index.frames.filter { !known.contains($0.digest) }
    #expect(new.count <= 4)
    #expect(new.reduce(0) { $0 + $1.size } < 1 << 20)
  }

  @Test("a warm cache, a damaged one and none give the same image")
  func cached() async throws {
    let tree = try sampleRoot()
    let expected = try await write(tree)
    try await withScratchDirectory { scratch in
      let root = scratch.appendingPathComponent("store").path
      for round in 0..<4 {
        let image = try await RootImage.write(
          tree, accounts: numbers,
          options: RootImageOptions(compressionLevel: 1, timestamp: 1_700_000_000, label: "sample"),
          cache: FrameCache(store: BlobStore(root: root)))
        #expect(image.index == expected.index, "round \(round)")
        #expect(image.frames == expected.frames, "round \(round)")
        // Then every record, and after that every blob, is damaged.
        let kind = round == 1 ? "records" : round == 2 ? "blobs" : nil
        guard let kind else { continue }
        let script = """
          import os, sys
          for base, _, names in os.walk(sys.argv[1]):
            for name in names:
              path = os.path.join(base, name); os.chmod(path, 0o644)
              with open(path, "r+b") as f:
                size = os.path.getsize(path); f.seek(size // 2); b = f.read(1) or b"\\0"
                f.seek(size // 2); f.write(bytes([b[0] ^ 1]))
          """
        let result = try run(["python3", "-c", script, "\(root)/\(kind)"])
        #expect(result.status == 0, "\(result.errorText)")
      }
    }
  }
}

@Suite("mapping on all cores")
struct ConcurrentMapTests {
  @Test("the order is kept at every limit, and never more than the limit run", arguments: [1, 2, 7, 100])
  func order(limit: Int) async throws {
    let running = Counter()
    let results = try await concurrentMap(Array(0..<50), limit: limit) { number in
      await running.enter()
      for _ in 0..<(number * 7 % 5) { await Task.yield() }
      await running.leave()
      return number * 2
    }
    #expect(results == (0..<50).map { $0 * 2 })
    #expect(await running.most <= limit)
  }

  @Test("the first error ends it")
  func failure() async {
    await #expect(throws: BuildError.self) {
      try await concurrentMap(Array(0..<20)) { number in
        if number == 13 { throw BuildError(.badInput, "thirteen") }
        return number
      }
    }
  }

  private actor Counter {
    private var now = 0
    private(set) var most = 0

    func enter() {
      now += 1
      most = max(most, now)
    }

    func leave() { now -= 1 }
  }
}
