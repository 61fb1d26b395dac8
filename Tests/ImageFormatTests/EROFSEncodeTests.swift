import Bytes
import ImageFormat
import Testing

@Suite("EROFS metadata")
struct EROFSEncodeTests {
  private static func directory(_ path: String) -> EROFSEntry {
    EROFSEntry(path: path, kind: .directory, permissions: 0o755)
  }

  private static func link(_ path: String, _ target: String) -> EROFSEntry {
    EROFSEntry(path: path, kind: .symlink(target: target), permissions: 0o777)
  }

  private static func encode(
    _ entries: [EROFSEntry], dataBlocks: UInt32 = 0, uuid: [UInt8] = SampleTree.uuid, label: String = ""
  ) throws(ImageFormatError) -> EROFSMetadata {
    try EROFS.encode(entries, dataBlocks: dataBlocks, timestamp: 0, uuid: uuid, label: label)
  }

  private static func code(_ entries: [EROFSEntry], dataBlocks: UInt32 = 0) -> ImageFormatError.Code? {
    do {
      _ = try encode(entries, dataBlocks: dataBlocks)
      return nil
    } catch {
      return error.code
    }
  }

  // A change here changes every image: raise EROFS.formatVersion with it.
  @Test("The bytes are those of version 1")
  func golden() throws {
    #expect(EROFS.formatVersion == 1)
    let small = try SampleTree.small.encode()
    #expect(
      SHA256.digest(of: small.superblock).hex
        == "11368dad538cbc4a3a57590ce4a34b62b23b618cbad6f6ee4e0fda9b2dc62982")
    #expect(
      SHA256.digest(of: small.metadata).hex
        == "1bcb1d96588565d94aaf6628653961fb932743f6321fabbc71d58fa0da3ed889")
    let rich = try SampleTree.rich.encode()
    #expect(
      SHA256.digest(of: rich.superblock).hex
        == "93fc658ba9ab1b0f511e235ee39a4e6006fc29a64c1e4a86907ea6dbdda74ffa")
    #expect(
      SHA256.digest(of: rich.metadata).hex
        == "08653614e365443febfd4b7f3d5b81efbc4fce3cfabb5d99fb93c6fde44bb566")
  }

  @Test("The order of entries and attributes does not matter")
  func order() throws {
    var tree = SampleTree.rich
    let expected = try tree.encode()
    for index in tree.entries.indices { tree.entries[index].extendedAttributes.reverse() }
    tree.entries.reverse()
    #expect(try tree.encode() == expected)
    tree.entries.sort { ($0.path.utf8.count, $0.path) < ($1.path.utf8.count, $1.path) }
    #expect(try tree.encode() == expected)
  }

  @Test("The superblock says what the specification places where")
  func superblock() throws {
    let made = try SampleTree.small.encode()
    #expect(made.superblock.count == 4096)
    #expect(made.metadata.count == 4096)
    #expect(made.superblock[..<1024].allSatisfy { $0 == 0 })
    var reader = ByteReader(made.superblock[1024...])
    #expect(try reader.littleEndian(UInt32.self, "magic") == 0xE0F5_E1E2)
    _ = try reader.read(4, "checksum")
    #expect(try reader.littleEndian(UInt32.self, "feature_compat") == 3)
    #expect(try reader.littleEndian(UInt8.self, "blkszbits") == 12)
    #expect(try reader.littleEndian(UInt8.self, "sb_extslots") == 0)
    // Slot 0 stays free, because readers of directories skip inode number 0.
    #expect(try reader.littleEndian(UInt16.self, "root_nid") == 1)
    #expect(try reader.littleEndian(UInt64.self, "inos") == 5)
    #expect(try reader.littleEndian(UInt64.self, "build_time") == 1_750_000_000)
    #expect(try reader.littleEndian(UInt32.self, "build_time_nsec") == 0)
    #expect(try reader.littleEndian(UInt32.self, "blocks") == 3)
    #expect(try reader.littleEndian(UInt32.self, "meta_blkaddr") == 2)
    #expect(try reader.littleEndian(UInt32.self, "xattr_blkaddr") == 0)
    #expect(try reader.read(16, "uuid").elementsEqual(SampleTree.uuid))
    #expect(
      try reader.read(16, "volume_name").elementsEqual(
        [UInt8]("sample".utf8) + [UInt8](repeating: 0, count: 10)))
    #expect(try reader.littleEndian(UInt32.self, "feature_incompat") == 0)
    #expect(try reader.read(reader.remaining, "rest").allSatisfy { $0 == 0 })
  }

  @Test("An owner, a size or a number of links that needs it makes the inode 64 bytes long")
  func extendedInodes() throws {
    func format(_ entry: EROFSEntry, dataBlocks: UInt32 = 2_000_000) throws -> UInt8 {
      // The root's slot and its inline names take 32 + 32 + (12 + 1) + (12 + 2) + (12 + 1) bytes, up to 128.
      let made = try Self.encode([Self.directory(""), entry], dataBlocks: dataBlocks)
      return made.metadata[128] & 1
    }
    func file(_ size: UInt64, owner: UInt32 = 0, group: UInt32 = 0) -> EROFSEntry {
      EROFSEntry(
        path: "f", kind: .file(size: size, firstBlock: 1), permissions: 0o644, owner: owner, group: group)
    }
    #expect(try format(file(0, owner: 65_535, group: 65_535)) == 0)
    #expect(try format(file(0, owner: 65_536)) == 1)
    #expect(try format(file(0, group: 65_536)) == 1)
    #expect(try format(file(0xffff_ffff)) == 0)
    #expect(try format(file(0x1_0000_0000)) == 1)
  }

  // Also a tree on which quadratic work would be felt.
  @Test("65,536 names of one file need an extended inode, and lead to it")
  func manyLinks() throws {
    let file = EROFSEntry(path: "file", kind: .file(size: 0, firstBlock: 0), permissions: 0o644)
    var entries = [Self.directory(""), file]
    func links() throws -> Set<UInt32> {
      let made = try Self.encode(entries)
      let nodes = try EROFSReader(made.superblock + made.metadata).tree()
      #expect(nodes.count == entries.count)
      #expect(Set(nodes.map(\.inode)).count == 2)
      return Set(nodes.dropFirst().map(\.links))
    }
    for index in 1..<65_535 {
      entries.append(EROFSEntry(path: "name-\(index)", kind: .hardLink(to: "file"), permissions: 0))
    }
    #expect(try links() == [65_535])
    entries.append(EROFSEntry(path: "one-more", kind: .hardLink(to: "file"), permissions: 0))
    #expect(try links() == [65_536])
  }

  @Test("A directory with 65,534 subdirectories needs an extended inode")
  func manyDirectories() throws {
    var entries = [Self.directory("")]
    for index in 0..<65_534 { entries.append(Self.directory("d\(index)")) }
    let made = try Self.encode(entries)
    let root = try EROFSReader(made.superblock + made.metadata).tree().first
    #expect(root?.links == 65_536 && root?.permissions == 0o755)
  }

  @Test(
    "Names that Linux cannot hold are refused",
    arguments: [
      "/usr", "usr/", "a//b", ".", "..", "a/./b", "a/../b", "nul\0", String(repeating: "n", count: 256),
      String(repeating: "d/", count: 2048) + "e",
    ])
  func badNames(path: String) {
    #expect(Self.code([Self.directory(""), Self.link(path, "t")]) == .invalidEntry)
  }

  @Test("A tree with a gap, a duplicate or a file as a directory is refused")
  func badTrees() {
    let root = Self.directory("")
    #expect(Self.code([]) == .missingParent)
    #expect(Self.code([Self.directory("a")]) == .missingParent)
    #expect(Self.code([Self.link("", "t")]) == .invalidEntry)
    #expect(Self.code([root, Self.link("a/b", "t")]) == .missingParent)
    #expect(Self.code([root, Self.directory("a"), Self.link("a/b/c", "t")]) == .missingParent)
    // "a-b" sorts between "a" and "a/b" as a string, but does not end the directory.
    #expect(Self.code([root, Self.directory("a"), Self.link("a-b", "t"), Self.link("a/b", "t")]) == nil)
    #expect(Self.code([root, Self.link("a", "t"), Self.link("a/b", "t")]) == .missingParent)
    #expect(Self.code([root, root]) == .duplicate)
    #expect(Self.code([root, Self.directory("a"), Self.link("a", "t")]) == .duplicate)
    var wild = root
    wild.permissions = 0o10000
    #expect(Self.code([wild]) == .invalidEntry)
  }

  @Test("Hard links lead to files and symbolic links only")
  func hardLinks() {
    func hard(_ path: String, _ target: String) -> EROFSEntry {
      EROFSEntry(path: path, kind: .hardLink(to: target), permissions: 0)
    }
    let tree = [Self.directory(""), Self.directory("d"), Self.link("s", "t")]
    #expect(Self.code(tree + [hard("d/h", "s")]) == nil)
    #expect(Self.code(tree + [hard("d/h", "nowhere")]) == .badHardLink)
    #expect(Self.code(tree + [hard("h", "d")]) == .badHardLink)
    #expect(Self.code(tree + [hard("h", "")]) == .badHardLink)
    #expect(Self.code(tree + [hard("h", "h")]) == .badHardLink)
    #expect(Self.code(tree + [hard("h", "s"), hard("i", "h")]) == .badHardLink)
    #expect(Self.code(tree + [hard("h", "d/../s")]) == .invalidEntry)
  }

  @Test("File data must lie inside the data blocks")
  func dataBounds() {
    func file(_ size: UInt64, _ block: UInt32) -> [EROFSEntry] {
      [Self.directory(""), EROFSEntry(path: "f", kind: .file(size: size, firstBlock: block), permissions: 0)]
    }
    #expect(Self.code(file(0, 99)) == nil)
    #expect(Self.code(file(4096, 1), dataBlocks: 1) == nil)
    #expect(Self.code(file(4097, 1), dataBlocks: 1) == .invalidEntry)
    #expect(Self.code(file(1, 0), dataBlocks: 1) == .invalidEntry)
    #expect(Self.code(file(1, 2), dataBlocks: 1) == .invalidEntry)
    #expect(Self.code(file(.max, .max), dataBlocks: .max) == .invalidEntry)
    #expect(Self.code(file(1, 1), dataBlocks: .max) == .tooLarge)
  }

  @Test("Symbolic links have targets of 1 to 4095 bytes")
  func targets() {
    for target in ["", String(repeating: "t", count: 4096), "a\0b"] {
      #expect(Self.code([Self.directory(""), Self.link("l", target)]) == .invalidEntry)
    }
  }

  @Test("Attributes that the format cannot hold are refused")
  func badAttributes() {
    func code(_ attributes: (String, Int)...) -> ImageFormatError.Code? {
      var root = Self.directory("")
      root.extendedAttributes = attributes.map {
        ExtendedAttribute(name: $0.0, value: [UInt8](repeating: 1, count: $0.1))
      }
      return Self.code([root])
    }
    #expect(code(("user.a", 65_535), ("user.b", 0), ("trusted.a", 1)) == nil)
    #expect(code(("user.", 1)) == .invalidEntry)
    #expect(code(("user", 1)) == .invalidEntry)
    #expect(code(("system.posix_acl_access", 1)) == nil)
    #expect(code(("system.posix_acl_accessory", 1)) == .invalidEntry)
    #expect(code(("btrfs.compression", 1)) == .invalidEntry)
    #expect(code(("user." + String(repeating: "n", count: 256), 1)) == .invalidEntry)
    #expect(code(("user.a\0", 1)) == .invalidEntry)
    #expect(code(("user.a", 65_536)) == .tooLarge)
    #expect(code(("user.a", 1), ("user.a", 2)) == .duplicate)
    #expect(
      code(("user.a", 65_535), ("user.b", 65_535), ("user.c", 65_535), ("user.d", 65_535)) == .tooLarge)
  }

  @Test("UUID and label fit their fields")
  func arguments() {
    #expect(throws: ImageFormatError.self) { try Self.encode([Self.directory("")], uuid: [1]) }
    #expect(throws: ImageFormatError.self) {
      try Self.encode([Self.directory("")], label: "seventeen letters")
    }
    #expect(throws: Never.self) { try Self.encode([Self.directory("")], label: "sixteen letters.") }
  }

  @Test("Errors name the entry and the way out")
  func messages() {
    let error = #expect(throws: ImageFormatError.self) {
      try Self.encode([Self.directory(""), Self.link("usr/lib", "t")])
    }
    #expect(
      error?.description == "the entry usr/lib has no directory: add an entry for the one that holds it")
  }
}
