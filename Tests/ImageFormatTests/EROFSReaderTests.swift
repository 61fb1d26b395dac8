import Bytes
import FoundationEssentials
import Glibc
import ImageFormat
import TestSupport
import Testing

@Suite("EROFS reader")
struct EROFSReaderTests {
  @Test("It reads back everything that was written")
  func roundTrip() throws {
    let tree = SampleTree.rich
    let reader = try EROFSReader(tree.image())
    #expect(reader.uuid == SampleTree.uuid && reader.label == "sample" && reader.timestamp == 1_750_000_000)
    let nodes = try reader.tree()
    var byPath: [[UInt8]: EROFSReader.Node] = [:]
    for node in nodes { byPath[node.pathBytes] = node }
    #expect(nodes.count == tree.entries.count && byPath.count == nodes.count)
    #expect(Set(nodes.map(\.inode)).count == Int(reader.inodeCount))
    for entry in tree.entries {
      let node = try #require(byPath[[UInt8](entry.path.utf8)])
      switch entry.kind {
      case .directory: #expect(node.kind == .directory)
      case .symlink(let target):
        #expect(try reader.target(of: node) == [UInt8](target.utf8))
      case .file(let size, _):
        #expect(node.size == size)
        #expect(try reader.contents(of: node).flattened() == tree.contents[node.pathBytes])
      case .hardLink(let target):
        #expect(node.inode == byPath[[UInt8](target.utf8)]?.inode && node.links == 3)
        continue
      }
      #expect(node.permissions == entry.permissions && node.owner == entry.owner && node.group == entry.group)
      #expect(node.modificationTime == 1_750_000_000)
      let attributes = entry.extendedAttributes.sorted { $0.name < $1.name }
      #expect(try reader.attributes(of: node) == attributes)
    }
  }

  @Test("A directory comes before what is in it, and names rise in byte order")
  func order() throws {
    let nodes = try EROFSReader(SampleTree.small.image()).tree()
    #expect(nodes.map(\.path) == ["", "bin", "etc", "etc/hostname", "etc/motd"])
  }

  @Test("Files that share their bytes, so that a small image would hold much, are refused")
  func sharedData() throws {
    func image(_ files: Int) throws -> [UInt8] {
      let entries =
        [EROFSEntry(path: "", kind: .directory, permissions: 0o755)]
        + (0..<files).map {
          EROFSEntry(path: "f\($0)", kind: .file(size: 16 * 4096, firstBlock: 1), permissions: 0o644)
        }
      let encoded = try EROFS.encode(
        entries, dataBlocks: 16, timestamp: 0, uuid: [UInt8](repeating: 1, count: 16), label: "x")
      return encoded.superblock + [UInt8](repeating: 7, count: 16 * 4096) + encoded.metadata
    }
    #expect(try EROFSReader(image(1)).tree().count == 2)
    let reader = try EROFSReader(image(3))
    let error = #expect(throws: ImageFormatError.self) { try reader.tree() }
    #expect(error?.code == .corrupt)
  }

  @Test("Only what a node is can be read from it")
  func kinds() throws {
    let reader = try EROFSReader(SampleTree.small.image())
    let nodes = try reader.tree()
    for node in nodes where node.kind != .file {
      let error = #expect(throws: ImageFormatError.self) { try reader.contents(of: node) }
      #expect(error?.code == .invalidEntry)
    }
    for node in nodes where node.kind != .symlink {
      let error = #expect(throws: ImageFormatError.self) { try reader.target(of: node) }
      #expect(error?.code == .invalidEntry)
    }
  }

  @Test(
    "It reads what mkfs.erofs makes, shared attributes included",
    .enabled(if: findTool("mkfs.erofs") != nil, "mkfs.erofs is missing"))
  func foreign() async throws {
    try await withScratchDirectory { directory in
      let root = directory.appendingPathComponent("root").path
      let image = directory.appendingPathComponent("image").path
      let script = """
        mkdir -p "$1/a/b" && cd "$1"
        printf tail > a/small && head -c 9000 /dev/zero | tr '\\0' x > a/large && ln a/large a/b/again
        ln -s ../small a/b/link && mkfifo a/pipe
        for i in $(seq 300); do echo $i > a/b/a-name-to-fill-blocks-$i; done
        for f in a/small a/large a/b/a-name-to-fill-blocks-*; do setfattr -n user.shared -v same $f || exit 0; done
        """
      #expect(try run(["sh", "-c", script, "sh", root]).status == 0)
      let made = try run(["mkfs.erofs", "-T1000", "-x1", image, root])
      try #require(made.status == 0, "\(made.errorText)")
      let reader = try EROFSReader([UInt8](Data(contentsOf: URL(fileURLWithPath: image))))
      let nodes = try reader.tree()
      let listed = try run(["find", root, "-mindepth", "1", "-printf", "%P\\n"]).text.split(separator: "\n")
      #expect(Set(nodes.dropFirst().map(\.path)) == Set(listed.map(String.init)))
      let hasAttributes = try run(["getfattr", "-d", root + "/a/small"]).text.contains("user.shared")
      for node in nodes {
        switch node.kind {
        case .file:
          let expected = try [UInt8](Data(contentsOf: URL(fileURLWithPath: root + "/" + node.path)))
          #expect(try reader.contents(of: node).flattened() == expected, "\(node.path)")
          #expect(node.modificationTime == 1000)
          let shared = ExtendedAttribute(name: "user.shared", value: [UInt8]("same".utf8))
          #expect(try reader.attributes(of: node) == (hasAttributes ? [shared] : []), "\(node.path)")
        case .symlink: #expect(try reader.target(of: node) == [UInt8]("../small".utf8))
        case .special(let type): #expect(node.path == "a/pipe" && type == 0o010000)
        case .directory: break
        }
      }
    }
  }
}

@Suite("EROFS reader, hostile images")
struct EROFSHostileImageTests {
  /// Block 0, one data block for etc/hostname, one block of metadata: see the offsets below.
  private static func small() throws -> [UInt8] { try SampleTree.small.image() }

  // Offsets in the image. Slots of 32 bytes from 0x2000: 1 root, its names follow inline (72 bytes: 2.25 slots),
  // 5 bin with its target, 7 etc with its names, 11 etc/hostname, 12 etc/motd.
  private static let superblock = 1024
  private static let metadata = 0x2000
  private static let root = metadata + 32
  private static let rootNames = root + 32

  /// The inode of a name, as an offset in the image.
  private static func inode(_ path: String) throws -> Int {
    let nodes = try EROFSReader(small()).tree()
    return try #require(nodes.first { $0.path == path }.map { metadata + Int($0.inode) * 32 })
  }

  /// Reads everything there is to read; throws what was found wrong.
  private static func readAll(_ image: [UInt8], limits: EROFSReader.Limits = .init()) throws {
    let reader = try EROFSReader(image)
    for node in try reader.tree(limits: limits) {
      _ = try reader.attributes(of: node)
      if node.kind == .file { try reader.forEachPiece(of: node) { _ in } }
      if node.kind == .symlink { _ = try reader.target(of: node) }
    }
  }

  /// The code for an image with some bytes replaced, its superblock's checksum switched off.
  private static func code(_ changes: [(Int, [UInt8])], keepChecksum: Bool = false) throws -> ImageFormatError
    .Code?
  {
    var image = try small()
    if !keepChecksum { image[superblock + 8] = 2 }
    for (offset, bytes) in changes { image.replaceSubrange(offset..<offset + bytes.count, with: bytes) }
    do {
      try readAll(image)
      return nil
    } catch let error as ImageFormatError {
      return error.code
    }
  }

  @Test("Each lie of the superblock has its error")
  func superblock() throws {
    let at = Self.superblock
    #expect(try Self.code([]) == nil)
    #expect(try Self.code([], keepChecksum: true) == nil)
    #expect(try Self.code([(at, [0])]) == .corrupt)
    #expect(try Self.code([(at + 4, [0, 0, 0, 0])], keepChecksum: true) == .corrupt)
    #expect(try Self.code([(at + 100, [1])], keepChecksum: true) == .corrupt)
    #expect(try Self.code([(at + 12, [9])]) == .unsupported)
    #expect(try Self.code([(at + 80, [1])]) == nil)
    #expect(try Self.code([(at + 80, [2])]) == .unsupported)
    #expect(try Self.code([(at + 36, [4])]) == .truncated)
    #expect(try Self.code([(at + 36, [0xFF, 0xFF, 0xFF, 0xFF])]) == .truncated)
    #expect(try Self.code([(at + 40, [0xFF, 0xFF, 0xFF, 0xFF])]) == .corrupt)
    #expect(try Self.code([(at + 14, [0xFF, 0xFF])]) == .corrupt)
    #expect(try Self.code([(at + 14, [0])]) == .corrupt)  // an empty slot is no directory
  }

  @Test("Each lie of an inode has its error")
  func inodes() throws {
    let link = try Self.inode("bin")
    let file = try Self.inode("etc/hostname")
    let directory = try Self.inode("etc")
    #expect(try Self.code([(file, [2 << 1])]) == nil)  // inline: some other bytes, but inside the image
    #expect(try Self.code([(file, [1 << 1])]) == .unsupported)
    #expect(try Self.code([(file, [4 << 1])]) == .unsupported)
    #expect(try Self.code([(file, [0x10])]) == .unsupported)
    #expect(try Self.code([(file + 8, [0xFF, 0xFF, 0xFF, 0xFF])]) == .corrupt)
    #expect(try Self.code([(file + 16, [0xFF, 0xFF, 0xFF, 0xFF])]) == .corrupt)
    #expect(try Self.code([(file + 4, [0xFF, 0x41])]) == .corrupt)  // a directory now, but not by its entry
    let last = try Self.inode("etc/motd")
    #expect(try Self.code([(last + 2, [1])]) == nil)  // an empty header of attributes, then free space
    #expect(try Self.code([(file + 2, [0xFF, 0xFF])]) == .corrupt)
    #expect(try Self.code([(link + 8, [0])]) == .corrupt)
    #expect(try Self.code([(link + 8, [0xFF, 0x0F])]) == .corrupt)  // crosses the block
    #expect(try Self.code([(link + 9, [0x10])]) == .corrupt)
    #expect(try Self.code([(link + 32 + 3, [0])]) == .corrupt)
    #expect(try Self.code([(directory + 8, [0, 0, 0, 0])]) == .corrupt)
    #expect(try Self.code([(directory + 8, [11])]) == .corrupt)
    // An extended inode (bit 0) whose size has all 64 bits.
    #expect(try Self.code([(file, [1]), (file + 8, .init(repeating: 0xFF, count: 8))]) == .corrupt)
  }

  // The root's names: ".", "..", "bin", "etc", entries of 12 bytes, then the names' 9 bytes at 48.
  @Test("Each lie of a directory has its error")
  func directories() throws {
    let at = Self.rootNames
    let rootNumber: [UInt8] = [1, 0, 0, 0, 0, 0, 0, 0]
    #expect(try Self.code([(at + 8, [0, 0])]) == .corrupt)
    #expect(try Self.code([(at + 8, [47, 0])]) == .corrupt)
    #expect(try Self.code([(at + 8, [60, 0])]) == .corrupt)
    #expect(try Self.code([(at + 8, [0xFC, 0xFF])]) == .corrupt)
    #expect(try Self.code([(at + 12 + 8, [0, 0])]) == .corrupt)
    #expect(try Self.code([(at + 36 + 8, [0xFF, 0xFF])]) == .corrupt)
    #expect(try Self.code([(at, [2])]) == .corrupt)  // "." leads elsewhere
    #expect(try Self.code([(at + 12, [2])]) == .corrupt)
    #expect(try Self.code([(at + 36, rootNumber)]) == .corrupt)  // etc is the root: a cycle
    #expect(try Self.code([(at + 36, .init(repeating: 0xFF, count: 8))]) == .corrupt)
    #expect(try Self.code([(at + 36, [0, 0, 0, 0, 0, 0, 0, 8])]) == .corrupt)  // times 32 it overflows
    #expect(try Self.code([(at + 36 + 10, [1])]) == .corrupt)  // a file by its type
    #expect(try Self.code([(at + 48, [0x2F])]) == .corrupt)  // "/"
    #expect(try Self.code([(at + 48, [0])]) == .corrupt)
    #expect(try Self.code([(at + 48, [0x61])]) == .corrupt)  // no "." any more
    #expect(try Self.code([(at + 51, [0x7A])]) == .corrupt)  // "zin" before "etc"
    #expect(try Self.code([(at + 51, [UInt8]("etc".utf8))]) == .corrupt)  // twice
  }

  @Test("Attributes may not reach out of their space, nor have unknown prefixes")
  func attributes() throws {
    var tree = SampleTree()
    tree.file("f", [1], attributes: [ExtendedAttribute(name: "user.a", value: [1, 2, 3])])
    let image = try tree.image()
    let node = try #require(EROFSReader(image).tree().last)
    let header = Self.metadata + Int(node.inode) * 32 + 32
    func code(_ offset: Int, _ value: UInt8) -> ImageFormatError.Code? {
      var changed = image
      changed[header + offset] = value
      do {
        try Self.readAll(changed)
        return nil
      } catch { return (error as? ImageFormatError)?.code }
    }
    #expect(code(0, 0xFF) == nil)
    #expect(code(4, 1) != nil)  // one shared attribute, which is the first bytes of block 0: no prefix 0
    #expect(code(4, 200) == .corrupt || code(4, 200) == .unsupported)
    #expect(code(12, 0xFF) == .corrupt)
    #expect(code(13, 99) == .unsupported)
    #expect(code(14, 0xFF) == .corrupt)
    #expect(code(15, 0xFF) == .corrupt)
  }

  @Test("Limits hold")
  func limits() throws {
    let image = try Self.small()
    var limits = EROFSReader.Limits()
    limits.names = 5
    #expect(throws: Never.self) { try Self.readAll(image, limits: limits) }
    limits.names = 4
    #expect(throws: ImageFormatError.self) { try Self.readAll(image, limits: limits) }
    limits = EROFSReader.Limits()
    limits.pathBytes = 10
    #expect(throws: ImageFormatError.self) { try Self.readAll(image, limits: limits) }
  }

  @Test("Every truncated prefix throws")
  func truncated() throws {
    let image = try Self.small()
    for count in stride(from: 0, to: image.count, by: 13) {
      #expect(throws: ImageFormatError.self, "\(count) bytes") { try Self.readAll(Array(image[..<count])) }
    }
  }

  @Test("A source that gives less than asked is noticed")
  func shortSource() throws {
    let image = try Self.small()
    let reader = try EROFSReader(byteCount: UInt64(image.count)) { range in
      let bytes = Array(image[Int(range.lowerBound)..<Int(range.upperBound)])
      return range.lowerBound == 0 ? bytes : Array(bytes.dropLast())
    }
    let error = #expect(throws: ImageFormatError.self) { try reader.tree() }
    #expect(error?.code == .truncated)
  }

  @Test("No damaged byte traps: every error is one of ours")
  func mutations() throws {
    var image = try Self.small()
    image[Self.superblock + 8] = 2
    let places = Array(Self.superblock..<Self.superblock + 128) + Array(Self.metadata..<Self.metadata + 448)
    var refused = 0
    for position in places {
      for value: UInt8 in [0, 1, 0x7F, 0x80, 0xFF] {
        var changed = image
        changed[position] = value
        do {
          try Self.readAll(changed)
        } catch {
          #expect(error is ImageFormatError, "byte \(position): \(error)")
          refused += 1
        }
      }
    }
    #expect(refused > 300)
  }

  @Test("Nor do many damaged bytes in a large tree", arguments: 0..<60)
  func randomDamage(seed: UInt64) throws {
    var image = try SampleTree.rich.image()
    image[Self.superblock + 8] = 2
    let metadata = SampleTree.rich.data.count + 4096
    // Knuth's MMIX generator: the same damage on every run.
    var state = seed
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for _ in 0..<1 + next(20) {
      image[metadata + next(image.count - metadata)] = UInt8(next(256))
    }
    do {
      try Self.readAll(image)
    } catch {
      #expect(error is ImageFormatError, "\(error)")
    }
  }
}
