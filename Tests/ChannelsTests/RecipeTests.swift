import Bytes
import FoundationEssentials
import TestSupport
import Testing

@testable import Channels

/// Large files from parts, and what is trusted of that: nothing but the result.
@Suite struct RecipeTests {
  private static func noise(_ count: Int, _ seed: UInt8) -> [UInt8] {
    var state = UInt32(seed) &+ 1
    return (0..<count).map { _ in
      state = state &* 1_664_525 &+ 1_013_904_223
      return UInt8(truncatingIfNeeded: state >> 24)
    }
  }

  /// Puts a recipe's file together.
  private static func bake(_ recipe: Recipe, _ pantry: [String: [UInt8]]) -> [UInt8]? {
    var bytes: [UInt8] = []
    for part in recipe.parts {
      switch part {
      case .literal(let literal): bytes += literal
      case .object(let digest, let size):
        guard let object = pantry[digest], object.count == size else { return nil }
        bytes += object
      }
    }
    return bytes
  }

  @Test func aFileIsFoundAgainFromItsParts() throws {
    let frames = (0..<5).map { Self.noise(5000 + Int($0) * 1001, $0) }
    var pieces = Recipe.Pieces()
    var pantry: [String: [UInt8]] = [:]
    for frame in frames {
      let digest = SHA256.digest(of: frame).hex
      pieces.add(digest, frame)
      pantry[digest] = frame
    }
    // Short gaps, long ones, and each piece at a multiple of four.
    var file = Self.noise(60_000, 9)
    for frame in frames + frames {
      file += frame
      file += Self.noise(Int.random(in: 100...200), 3)
      file += [UInt8](repeating: 0, count: -file.count & 3)
    }
    file += Self.noise(7, 1)
    let (recipe, between) = try #require(Recipe.make(for: file, from: pieces))
    for piece in between { pantry[piece.digest] = piece.bytes }
    #expect(between.map(\.bytes.count).reduce(0, +) == 60_000)
    #expect(Self.bake(recipe, pantry) == file)
    // Written and read, it is the same.
    let read = try #require(Recipe(recipe.bytes, size: file.count))
    #expect(read == recipe)
    #expect(recipe.bytes.count < 10_000)
    #expect(Recipe.make(for: Self.noise(100_000, 77), from: pieces) == nil)
    #expect(Recipe.make(for: [], from: pieces) == nil)
  }

  @Test func whatTwoFilesShareIsCutAlike() {
    func pieces(_ bytes: [UInt8]) -> [String] {
      var rest = bytes[...]
      var digests: [String] = []
      for length in bytes.withUnsafeBytes({ ContentCut.lengths(of: $0) }) {
        digests.append(SHA256.digest(of: Array(rest.prefix(length))).hex)
        rest = rest.dropFirst(length)
      }
      return digests
    }
    let shared = Self.noise(1 << 20, 11)
    let (one, other) = (shared + Self.noise(5000, 1), Self.noise(70_001, 2) + shared + Self.noise(9000, 3))
    let known = Set(pieces(one))
    // All but what lies at the seams.
    #expect(known.subtracting(pieces(other)).count <= 4, "\(known.count)")
    for bytes in [[], [1], Self.noise(ContentCut.least, 4), [UInt8](repeating: 0, count: 1 << 20), one] {
      let lengths = bytes.withUnsafeBytes { ContentCut.lengths(of: $0) }
      #expect(lengths.reduce(0, +) == bytes.count)
      #expect(lengths.dropLast().allSatisfy { (ContentCut.least...ContentCut.most).contains($0) })
    }
  }

  /// The last piece of an initrd's first archive changes with what follows; the rest does not.
  @Test func aChangedIndexDoesNotCarryWhatLiesBeforeIt() throws {
    let (archive, frame) = (Self.noise(1_600_000, 21), Self.noise(50_000, 22))
    var pieces = Recipe.Pieces()
    pieces.add(SHA256.digest(of: frame).hex, frame)
    let made = try [Self.noise(4000, 23), Self.noise(4000, 24)].map { index in
      try #require(Recipe.make(for: archive + index + frame, from: pieces))
    }
    let known = Set(made[0].between.map(\.digest))
    let missing = made[1].between.filter { !known.contains($0.digest) }
    #expect(missing.map(\.bytes.count).reduce(0, +) <= 2 * ContentCut.most)
  }

  @Test func aRecipeThatIsNoneIsNotUsed() {
    let digest = String(repeating: "a", count: 64)
    func recipe(_ parts: String, size: Int = 10, format: String = "netimg-recipe-1") -> Recipe? {
      Recipe(Array(#"{"format": "\#(format)", "parts": [\#(parts)]}"#.utf8), size: size)
    }
    #expect(recipe(#"{"sha256": "\#(digest)", "size": 10}"#) != nil)
    #expect(recipe(#"{"bytes": "00"}, {"sha256": "\#(digest)", "size": 9}"#) != nil)
    for parts in [
      "", #"{"sha256": "\#(digest)", "size": 9}"#, #"{"sha256": "\#(digest)", "size": 11}"#,
      #"{"sha256": "\#(digest)", "size": -10}"#, #"{"sha256": "../../etc/passwd", "size": 10}"#,
      #"{"sha256": "\#(digest.uppercased())", "size": 10}"#, #"{"bytes": "0"}"#, #"{"bytes": ""}"#, "1",
      #"{"sha256": "\#(digest)", "size": 9223372036854775807}, {"sha256": "\#(digest)", "size": 20}"#,
    ] { #expect(recipe(parts) == nil, "\(parts)") }
    #expect(recipe(#"{"sha256": "\#(digest)", "size": 10}"#, format: "other") == nil)
    #expect(Recipe([UInt8](repeating: 0x5b, count: 100_000), size: 1) == nil)
  }

  @Test func whatIsHereIsKnownByItsContent() async throws {
    try await withScratchDirectory { scratch in
      let big = Self.noise(Recipe.leastFile + 100, 1)
      try Data(big).write(to: URL(fileURLWithPath: "\(scratch.path)/anything"))
      try Data([1, 2, 3]).write(to: URL(fileURLWithPath: "\(scratch.path)/broken.part"))
      var files = LocalFiles()
      files.add(directory: scratch.path)
      let digest = SHA256.digest(of: big).hex
      #expect(files[digest]?.size == big.count)
      #expect(files[SHA256.digest(of: [1, 2, 3]).hex] == nil)
      let part = SHA256.digest(of: Array(big[100..<5100])).hex
      files.add(Recipe(parts: [.literal(Array(big[..<100])), .object(part, 5000)]), of: digest)
      let slice = try #require(files[part])
      var read: [UInt8] = []
      #expect(try LocalFiles.read(slice) { read += Array($0) })
      #expect(read == Array(big[100..<5100]))
    }
  }

  @Test func anInterruptedFileIsGoneOnWith() async throws {
    try await withScratchDirectory { scratch in
      let bytes = Self.noise(10_000, 5)
      let digest = SHA256.digest(of: bytes).hex
      let object = ChannelClient.Object(name: "x", digest: digest, size: bytes.count)
      let part = "\(scratch.path)/\(digest).part"
      try Data(bytes[..<4000]).write(to: URL(fileURLWithPath: part))
      let file = try ObjectFile(object, in: scratch.path)
      #expect(file.count == 4000)
      try bytes[4000...].withUnsafeBytes { try file.receive($0) }
      #expect(throws: ChannelError.self) {
        try [UInt8](repeating: 0, count: 1).withUnsafeBytes { try file.receive($0) }
      }
      try file.commit()
      #expect(FileManager.default.contents(atPath: "\(scratch.path)/\(digest)").map { [UInt8]($0) } == bytes)
      #expect(!FileManager.default.fileExists(atPath: part))
      // Other bytes are thrown away.
      try FileManager.default.removeItem(atPath: "\(scratch.path)/\(digest)")
      try Data([UInt8](repeating: 0, count: 4000)).write(to: URL(fileURLWithPath: part))
      let damaged = try ObjectFile(object, in: scratch.path)
      try bytes[4000...].withUnsafeBytes { try damaged.receive($0) }
      #expect(throws: ChannelError.self) { try damaged.commit() }
      #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).isEmpty)
    }
  }
}
