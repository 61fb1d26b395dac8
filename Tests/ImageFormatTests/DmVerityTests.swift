import Bytes
import FoundationEssentials
import ImageFormat
import TestSupport
import Testing

@Suite("dm-verity")
struct DmVerityTests {
  static let hasVeritysetup = findTool("veritysetup") != nil

  /// Blocks that differ from each other.
  private static func data(blocks: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: blocks * DmVerity.blockSize)
    for block in 0..<blocks {
      bytes[block * DmVerity.blockSize + block % DmVerity.blockSize] = UInt8(truncatingIfNeeded: block) | 1
    }
    return bytes
  }

  private static func tree(of data: [UInt8]) throws -> VerityTree {
    try DmVerity.tree(leafHashes: data.withUnsafeBytes { DmVerity.leafHashes(of: $0) }, uuid: SampleTree.uuid)
  }

  @Test("Leaf hashes are SHA-256 of each block, and do not depend on how the data is cut")
  func leaves() {
    let data = Self.data(blocks: 3)
    let whole = data.withUnsafeBytes { DmVerity.leafHashes(of: $0) }
    var parts: [UInt8] = []
    for block in 0..<3 {
      let slice = Array(data[block * 4096..<(block + 1) * 4096])
      parts += slice.withUnsafeBytes { DmVerity.leafHashes(of: $0) }
      #expect(Array(parts.suffix(32)) == SHA256.digest(of: slice).bytes)
    }
    #expect(whole == parts)
    #expect([UInt8]().withUnsafeBytes { DmVerity.leafHashes(of: $0) }.isEmpty)
  }

  // Around one leaf block (128 hashes) and around two levels (128 x 128).
  @Test(
    "veritysetup makes the same bytes and the same root hash",
    .enabled(if: hasVeritysetup, "veritysetup is missing"),
    arguments: [1, 2, 127, 128, 129, 16_384, 16_385])
  func format(blocks: Int) async throws {
    let data = Self.data(blocks: blocks)
    let tree = try Self.tree(of: data)
    try await withScratchDirectory { directory in
      let image = directory.appendingPathComponent("data").path
      let hashes = directory.appendingPathComponent("hashes").path
      try Data(data).write(to: URL(fileURLWithPath: image))
      try Data().write(to: URL(fileURLWithPath: hashes))
      let result = try run([
        "veritysetup", "format", "--hash=sha256", "--salt=-", "--uuid=6e657469-6d67-4000-8000-000102030405",
        image, hashes,
      ])
      try #require(result.status == 0, "\(result.errorText)")
      let root = result.text.split(separator: "\n").first { $0.hasPrefix("Root hash:") }
      #expect(root?.split(whereSeparator: \.isWhitespace).last.map(String.init) == tree.rootHash.hex)
      let expected = try [UInt8](Data(contentsOf: URL(fileURLWithPath: hashes)))
      #expect(tree.bytes == expected)
    }
  }

  @Test(
    "veritysetup verifies our tree behind the data, and notices one changed bit",
    .enabled(if: hasVeritysetup, "veritysetup is missing")
  )
  func verify() async throws {
    var image = Self.data(blocks: 300)
    let offset = image.count
    let tree = try Self.tree(of: image)
    image += tree.bytes
    try await withScratchDirectory { directory in
      let path = directory.appendingPathComponent("image").path
      func verified(_ bytes: [UInt8]) throws -> Bool {
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return try run([
          "veritysetup", "verify", "--hash-offset=\(offset)", path, path, tree.rootHash.hex,
        ]).status == 0
      }
      let whole = try verified(image)
      #expect(whole)
      for position in [0, offset - 1, offset + 4096, image.count - 4096] {
        var damaged = image
        damaged[position] ^= 1
        let stillVerified = try verified(damaged)
        #expect(!stillVerified, "byte \(position)")
      }
    }
  }

  // The digests of what veritysetup made for the same data in the test above: for machines without it.
  @Test("The bytes for 129 blocks are these")
  func golden() throws {
    let tree = try Self.tree(of: Self.data(blocks: 129))
    #expect(tree.bytes.count == 4096 * 4)
    #expect(tree.rootHash.hex == "89cfc7034f8f7443abcba774bdbc9d63334242663a6cfc61d9ec836193a1db29")
    #expect(
      SHA256.digest(of: tree.bytes).hex == "48dca986ee93550f82855596038b1c57f5070242d47f18398223eb68dab7c49a")
  }

  @Test("Lengths that make no tree are refused")
  func badArguments() {
    for (leaves, uuid) in [(0, 16), (31, 16), (33, 16), (32, 15)] {
      let error = #expect(throws: ImageFormatError.self) {
        try DmVerity.tree(
          leafHashes: [UInt8](repeating: 0, count: leaves), uuid: [UInt8](repeating: 0, count: uuid))
      }
      #expect(error?.code == .invalidEntry)
    }
  }
}
