import FoundationEssentials
import Glibc
import ImageFormat
import Testing
import TestSupport

/// Reads what was written with programs that are not ours: erofs-utils, and the kernel itself.
@Suite("EROFS, read by others")
struct EROFSForeignTests {
  /// Mounting needs root, a loop device and the kernel's driver; attributes are read with getfattr (attr).
  static let canMount: Bool = {
    guard geteuid() == 0, access("/dev/loop-control", R_OK | W_OK) == 0 else { return false }
    guard let file = try? Data(contentsOf: URL(fileURLWithPath: "/proc/filesystems")) else { return false }
    return String(decoding: file, as: UTF8.self).contains("\terofs\n")
  }()

  @Test(
    "fsck.erofs finds nothing wrong and extracts the same files",
    .enabled(if: findTool("fsck.erofs") != nil, "fsck.erofs is missing"))
  func fsck() async throws {
    let tree = SampleTree.rich
    try await withScratchDirectory { directory in
      let image = directory.appendingPathComponent("image").path
      try Data(tree.image()).write(to: URL(fileURLWithPath: image))
      let out = directory.appendingPathComponent("out").path
      let result = try run(["fsck.erofs", "--extract=\(out)", "--no-preserve-owner", image])
      #expect(result.status == 0, "\(result.text)\(result.errorText)")
      try compare(tree, with: out)
    }
  }

  @Test(
    "dump.erofs agrees on the superblock",
    .enabled(if: findTool("dump.erofs") != nil, "dump.erofs is missing"))
  func dump() async throws {
    let tree = SampleTree.rich
    try await withScratchDirectory { directory in
      let image = directory.appendingPathComponent("image").path
      try Data(tree.image()).write(to: URL(fileURLWithPath: image))
      let result = try run(["dump.erofs", "-s", image])
      #expect(result.status == 0, "\(result.errorText)")
      let lines = result.text.split(separator: "\n").map {
        $0.split(separator: " ").joined(separator: " ")
      }
      let inodes = tree.entries.filter { if case .hardLink = $0.kind { false } else { true } }.count
      #expect(lines.contains("Filesystem magic number: 0xE0F5E1E2"))
      #expect(lines.contains("Filesystem inode count: \(inodes)"))
      #expect(lines.contains("Filesystem created: Sun Jun 15 15:06:40 2025"))
      #expect(lines.contains("Filesystem features: sb_csum mtime"))
      #expect(lines.contains("Filesystem UUID: 6e657469-6d67-4000-8000-000102030405"))
    }
  }

  @Test(
    "The kernel mounts it and shows the same tree",
    .enabled(
      if: canMount && findTool("getfattr") != nil,
      "mounting needs root and a kernel that allows it, or getfattr is missing"))
  func mount() async throws {
    let tree = SampleTree.rich
    try await withScratchDirectory { directory in
      let image = directory.appendingPathComponent("image").path
      try Data(tree.image()).write(to: URL(fileURLWithPath: image))
      let point = directory.appendingPathComponent("mnt").path
      try FileManager.default.createDirectory(atPath: point, withIntermediateDirectories: true)
      let mounted = try run(["mount", "-t", "erofs", "-o", "loop,ro", image, point])
      try #require(mounted.status == 0, "\(mounted.errorText)")
      defer { _ = try? run(["umount", point]) }
      try compare(tree, with: point)
      try compareInodes(tree, with: point)
    }
  }

  /// Every name is there, nothing else is, and contents and targets agree.
  private func compare(_ tree: SampleTree, with root: String) throws {
    let listed = try run(["find", root, "-mindepth", "1", "-printf", "%P\\0"])
    let names = Set(listed.output.split(separator: 0).map { [UInt8]($0) })
    #expect(names == Set(tree.entries.map { [UInt8]($0.path.utf8) }.filter { !$0.isEmpty }))
    for entry in tree.entries {
      let path = root + "/" + entry.path
      switch entry.kind {
      case .directory: break
      case .file, .hardLink:
        let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
        #expect(bytes == tree.contents[[UInt8](entry.path.utf8)], "\(entry.path)")
      case .symlink(let target):
        #expect(try run(["readlink", "-n", path]).text == target)
      }
    }
  }

  /// Modes, owners, link counts, times and attributes, as stat(2) and getxattr(2) tell them.
  private func compareInodes(_ tree: SampleTree, with root: String) throws {
    for entry in tree.entries {
      let path = entry.path.isEmpty ? root : root + "/" + entry.path
      var status = stat()
      try #require(lstat(path, &status) == 0)
      #expect(status.st_mtim.tv_sec == 1_750_000_000)
      #expect(status.st_ino != 0)
      switch entry.kind {
      case .hardLink(let target):
        var other = stat()
        #expect(lstat(root + "/" + target, &other) == 0 && other.st_ino == status.st_ino)
        #expect(status.st_nlink == 3)
        continue
      case .directory:
        let parts = entry.path.split(separator: "/").count
        let subdirectories = tree.entries.filter {
          $0.kind == .directory && $0.path.split(separator: "/").count == parts + 1
            && (entry.path.isEmpty || $0.path.hasPrefix(entry.path + "/"))
        }
        #expect(Int(status.st_nlink) == 2 + subdirectories.count, "\(entry.path)")
      case .file(let size, _): #expect(status.st_size == size)
      case .symlink(let target): #expect(Int(status.st_size) == target.utf8.count)
      }
      #expect(UInt16(status.st_mode & 0o7777) == entry.permissions)
      #expect(status.st_uid == entry.owner && status.st_gid == entry.group)
      for attribute in entry.extendedAttributes {
        let value = try run([
          "getfattr", "-h", "--absolute-names", "--only-values", "-n", attribute.name, path,
        ])
        #expect(value.status == 0 && value.output == attribute.value, "\(attribute.name): \(value.errorText)")
      }
    }
  }
}
