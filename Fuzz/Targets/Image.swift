@testable internal import Bytes
@testable internal import FrameFormat
@testable internal import ImageFormat
@testable internal import Stage0

extension FuzzTarget {
  static let imageTargets = [
    FuzzTarget(
      "erofs", maximumLength: 65536, seeds: { ["small": try smallImage(), "tree": try treeImage()] }
    ) {
      bytes in
      var bytes = bytes
      // The fuzzer cannot guess the superblock's checksum: the image says that it has none.
      if bytes.count > 1032 { bytes[1032] &= 0xFE }
      let reader = try EROFSReader(bytes)
      var limits = EROFSReader.Limits()
      limits.names = 2000
      limits.pathBytes = 1 << 20
      var paths: Set<[UInt8]> = []
      for node in try reader.tree(limits: limits) {
        require(paths.insert(node.pathBytes).inserted, "a path comes once")
        _ = try reader.attributes(of: node)
        switch node.kind {
        case .symlink: try require(!reader.target(of: node).isEmpty, "a link has a target")
        case .file:
          var count = 0
          try reader.forEachPiece(of: node) { count += $0.count }
          require(count == Int(node.size), "a file has as many bytes as it says")
        default: break
        }
      }
    },
    FuzzTarget(
      "pe", maximumLength: 8192,
      seeds: { ["stub": SamplePE.small(), "uki": try uki(), "signed": try signed()] }
    ) { bytes in
      let image = try PEImage(ByteRope(bytes))
      for section in image.sections { _ = image.contents(of: section).digest }
      _ = PCR11.expected(of: image)
      let sections = [
        (name: ".fuzz", content: ByteRope([1, 2, 3])), (name: ".fuzz2", content: ByteRope(bytes)),
      ]
      let assembled = try UnifiedKernelImage.assemble(stub: bytes, sections: sections)
      let read = try PEImage(assembled)
      require(read.sections.count == image.sections.count + 2, "the sections are there")
      guard let added = read.section(named: ".fuzz2") else { fatalError("the section is there") }
      require(read.contents(of: added).flattened().starts(with: bytes), "the section has its bytes")
      let entries = try image.certificateEntries()
      let replaced = try PEImage(image.replacingCertificates(entries))
      try require(replaced.certificateEntries() == entries, "certificates survive being written")
      require(replaced.isSameProgram(as: image), "certificates are not part of the program")
      require(replaced.sections == image.sections, "sections stay where they are")
      _ = try image.authenticodeDigest()
    },
    FuzzTarget("index", seeds: { ["two": index.encode()] }) { bytes in
      let index = try RootIndex.decode(bytes)
      require(index.encode() == bytes, "an index is encoded in one way")
      require(index.dataSize > 0 && index.dataSize < index.imageSize, "the sizes fit")
    },
    FuzzTarget("frame", seeds: { ["zeros": try frame([UInt8](repeating: 0, count: 8192))] }) { bytes in
      guard bytes.count > 2 else { return }
      let stored = Array(bytes.dropFirst(2))
      let size = (Int(bytes[0]) + Int(bytes[1]) << 8) * 4096 % (FrameCodec.maximumSize + 4096)
      // The fuzzer cannot guess digests: the frame is named by what it holds.
      let frame = RootIndex.Frame(digest: SHA256.digest(of: stored), storedSize: stored.count, size: size)
      var output = [UInt8](repeating: 0, count: size)
      try output.withUnsafeMutableBytes { output in
        try stored.withUnsafeBytes { try FrameCodec.decompress($0, of: frame, into: output) }
      }
    },
    FuzzTarget("cmdline", maximumLength: 512, seeds: { ["words": commandLine] }) { bytes in
      _ = BootOptions.failureAction(commandLine: bytes)
      _ = try BootOptions(commandLine: bytes)
    },
  ]

  private static let commandLine = Array(
    "console=ttyS0 netimg.index=\(String(repeating: "0f", count: 32)) netimg.onfailure=reboot\n".utf8)

  private static func smallImage() throws -> [UInt8] { try SampleTree.small.image() }

  private static func treeImage() throws -> [UInt8] {
    var tree = SampleTree.small
    tree.directory("usr")
    tree.file(
      "usr/a", Array("data".utf8), permissions: 0o4755, owner: 70_000,
      attributes: [
        ExtendedAttribute(name: "user.note", value: [1, 2]),
        ExtendedAttribute(name: "security.capability", value: [UInt8](repeating: 0, count: 20)),
      ])
    tree.hardLink("usr/b", to: "usr/a")
    for index in 0..<80 { tree.symlink("usr/name-that-fills-a-block-\(index)-and-then-some-more", "a") }
    return try tree.image()
  }

  private static func uki() throws -> [UInt8] {
    try UnifiedKernelImage.assemble(
      stub: SamplePE.small(),
      sections: [(".cmdline", ByteRope(Array("quiet".utf8))), (".linux", ByteRope([1, 2, 3]))]
    ).flattened()
  }

  private static func signed() throws -> [UInt8] {
    try PEImage(ByteRope(SamplePE.small())).replacingCertificates([
      PEImage.Certificate(content: [1, 2, 3]), PEImage.Certificate(type: 0x0EF1, content: [4]),
    ]).flattened()
  }

  private static let index = RootIndex(
    dataSize: 8192, rootHash: SHA256.digest(of: [1]),
    frames: [
      RootIndex.Frame(digest: SHA256.digest(of: [2]), storedSize: 12, size: 8192),
      RootIndex.Frame(digest: SHA256.digest(of: [3]), storedSize: 9, size: 4096),
    ])

  private static func frame(_ bytes: [UInt8]) throws -> [UInt8] {
    let stored = try bytes.withUnsafeBytes { try FrameCodec.compress($0, level: 3) }
    return [UInt8(bytes.count / 4096), 0] + stored
  }
}
