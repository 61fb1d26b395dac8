import Foundation
import Glibc
@testable import NativeActions
import TestSupport
import Testing

@Suite struct TmpfilesTests {
  private func parse(_ text: String) throws -> [Tmpfiles.Line] {
    try Tmpfiles.parse([UInt8](text.utf8), file: "test.conf")
  }

  private static let isJudgePresent = geteuid() == 0 && HostProgram.exists("systemd-tmpfiles")

  @Test(arguments: [
    ("/run/x", true), ("/run", true), ("/runner", false), ("/etc/x", false), ("/var/lib/x", true),
    ("/", false),
    ("/home/x", true), ("/root", false), ("/opt/tmp", false),
  ])
  func knowsWhatIsLeftToBoot(_ path: String, _ expected: Bool) {
    #expect(Tmpfiles.isLeftToBoot(path) == expected)
  }

  @Test func createsByPathThenAdjustsAsListed() throws {
    let actions = try Tmpfiles.buildActions(
      try parse(
        """
        z /etc/z* 0600
        f /etc/b/file - - - - text
        d /etc/b 0750 frr
        d /etc/b 0700
        L /etc/a
        d /run/left
        r! /forcefsck
        f^ /etc/issue - - - - login.issue
        C /srv/copy
        w+ /etc/b/file - - - - more
        """))
    func access(_ mode: UInt16? = nil, _ user: String? = nil) -> Tmpfiles.Access {
      Tmpfiles.Access(
        mode: mode.map { Tmpfiles.Mode(bits: $0, isMasked: false, isForNewOnly: false) },
        user: user.map { Tmpfiles.Owner(name: $0, isForNewOnly: false) }, group: nil)
    }
    #expect(
      actions == [
        .symlink(
          path: "/etc/a", target: "/usr/share/factory/etc/a", replaces: false, onlyIfTargetExists: false),
        .directory(path: "/etc/b", access: access(0o750, "frr")),
        .file(path: "/etc/b/file", contents: [UInt8]("text".utf8), replaces: false, access: access()),
        .copy(path: "/srv/copy", source: "/usr/share/factory/srv/copy", replaces: false, access: access()),
        .adjust(pattern: "/etc/z*", isRecursive: false, onlyDirectories: false, access: access(0o600)),
        .write(pattern: "/etc/b/file", contents: [UInt8]("more".utf8), appends: true),
      ])
  }

  @Test(arguments: [
    "d /etc/%m", "c /etc/node - - - - 1:3", "a /etc/x - - - - u:x:r", "h /etc - - - - +C",
    "t /etc - - - - a=b",
  ])
  func refusesWhatARootCannotHave(_ line: String) throws {
    do {
      _ = try Tmpfiles.buildActions(try parse("\n\(line)"))
      Issue.record("nothing was thrown for \(line)")
    } catch let error as NativeActionError {
      #expect(error.code == .unsupported)
      #expect(error.origin == "test.conf:2")
    }
    let mayFail = line.replacing(" ", with: "- ", maxReplacements: 1)
    #expect(try Tmpfiles.buildActions(try parse(mayFail)).isEmpty)
    let atBoot = line.replacing("/etc", with: "/var/etc")
    #expect(try Tmpfiles.buildActions(try parse(atBoot)).isEmpty)
  }

  /// Does the actions to a directory: what the image builder does to its tree.
  private func apply(_ actions: [Tmpfiles.Action], to root: String) throws {
    let manager = FileManager.default
    func exists(_ path: String) -> Bool { (try? manager.attributesOfItem(atPath: path)) != nil }
    func set(_ access: Tmpfiles.Access, _ path: String, default bits: UInt16?) {
      if let mode = access.mode?.bits ?? bits { #expect(chmod(path, mode_t(mode)) == 0) }
      let ids = [access.user, access.group].map { uid_t($0?.name ?? "") ?? uid_t.max }
      #expect(chown(path, ids[0], ids[1]) == 0)
    }
    func matches(_ pattern: String) -> [String] {
      var result = glob_t()
      defer { globfree(&result) }
      guard glob(root + pattern, 0, nil, &result) == 0 else { return [] }
      return (0..<Int(result.gl_pathc)).compactMap { result.gl_pathv[$0].map { String(cString: $0) } }
    }
    for action in actions {
      switch action {
      case .directory(let path, let access):
        let isNew = !exists(root + path)
        try manager.createDirectory(atPath: root + path, withIntermediateDirectories: true)
        set(access, root + path, default: isNew ? 0o755 : nil)
      case .file(let path, let bytes, let replaces, let access):
        let isNew = !exists(root + path)
        if isNew || replaces { try write(bytes, to: root + path) }
        set(access, root + path, default: isNew ? 0o644 : nil)
      case .symlink(let path, let target, let replaces, _):
        if exists(root + path) {
          guard replaces else { continue }
          try manager.removeItem(atPath: root + path)
        }
        try manager.createSymbolicLink(atPath: root + path, withDestinationPath: target)
      case .copy(let path, let source, _, let access):
        if !exists(root + path) { try manager.copyItem(atPath: root + source, toPath: root + path) }
        set(access, root + path, default: nil)
      case .write(let pattern, let bytes, let appends):
        for path in matches(pattern) {
          let old = try contents(path)
          try write(appends ? old + bytes : bytes + old.dropFirst(bytes.count), to: path)
        }
      case .adjust(let pattern, let isRecursive, _, let access):
        for path in matches(pattern) {
          set(access, path, default: nil)
          guard isRecursive, let tree = manager.enumerator(atPath: path) else { continue }
          for case let below as String in tree { set(access, "\(path)/\(below)", default: nil) }
        }
      case .fifo(let path, _, let access):
        #expect(mkfifo(root + path, 0o644) == 0)
        set(access, root + path, default: 0o644)
      }
    }
  }

  /// Type, mode, owners, target and contents of everything below a directory.
  private func listing(_ root: String) throws -> String {
    let find = try #require(HostProgram("find"))
    let names = try find.succeed([root, "-mindepth", "1", "-printf", "%P %y %m %U %G %l\n"])
    let sums = try find.succeed([
      root, "-type", "f", "-printf", "%P ", "-exec", "cksum", "-a", "sha256", "--untagged", "{}", ";",
    ])
    return names.split(separator: "\n").sorted().joined(separator: "\n")
      + sums.replacing(root, with: "").split(separator: "\n").sorted().joined(separator: "\n")
  }

  @Test(
    .enabled(if: isJudgePresent, "systemd-tmpfiles (systemd) is missing, or the test does not run as root"))
  func actionsMakeWhatSystemdTmpfilesMakes() async throws {
    let judge = try #require(HostProgram("systemd-tmpfiles"))
    let text = """
      d /etc/new 0750 1234 2345
      d /etc/new/below
      f /etc/new/file 0600 - - - line\\nwith \\x22quotes\\x22
      f /etc/there - - - - not written
      f+ /etc/emptied
      F /etc/rewritten 0640 - - - again
      w /etc/there - - - - over
      w+ /etc/rewritten - - - - \\x20and again
      L /etc/link - - - - ../usr/lib/target
      L /etc/old - - - - ../usr/lib/target
      L+ /etc/replaced - - - - ../usr/lib/target
      L /etc/factory
      C /etc/copied 0444
      C /etc/tree - - - - /usr/share/factory/etc/tree
      C /etc/there
      p /etc/pipe 0620 7 8
      z /etc/adjust* 0604 9 -
      Z /etc/deep - 11 12
      e /etc/deep/d 0711
      d /run/not-ours
      q /srv 0755
      d "/etc/a b" 1777
      """
    try await withScratchDirectory { scratch in
      let roots = ["ours", "theirs"].map { scratch.appendingPathComponent($0).path }
      for root in roots {
        for name in ["there", "emptied", "rewritten", "old", "replaced", "adjust1", "adjust2", "deep/d/f"] {
          try write("original \(name)\n", to: "\(root)/etc/\(name)")
        }
        for name in ["factory", "copied", "tree/a/b", "tree/c"] {
          try write("factory \(name)\n", to: "\(root)/usr/share/factory/etc/\(name)")
        }
        try FileManager.default.createDirectory(atPath: "\(root)/run", withIntermediateDirectories: true)
      }
      try apply(try Tmpfiles.buildActions(try parse(text)), to: roots[0])
      try write(text, to: "\(scratch.path)/test.conf")
      _ = try judge.run(["--root=\(roots[1])", "--create", "--boot", "\(scratch.path)/test.conf"])
      // Left to boot, so only systemd made it.
      try FileManager.default.removeItem(atPath: "\(roots[1])/run/not-ours")
      let (ours, theirs) = (try listing(roots[0]), try listing(roots[1]))
      #expect(ours.split(separator: "\n") == theirs.split(separator: "\n"))
    }
  }

  private static let shipped: [Tmpfiles.Shipped] = [
    .directory(path: "/var/lib/frr", mode: 0o750, user: "1000", group: "1001"),
    .file(path: "/var/lib/frr/state", mode: 0o640, user: "1000", group: "0"),
    .directory(path: "/var/lib/with space \"and\" %m \\ '", mode: 0o4755, user: "0", group: "0"),
    .file(path: "/var/lib/with space \"and\" %m \\ '/\u{e9} tab\t", mode: 0o600, user: "0", group: "7"),
    .symlink(path: "/var/lib/link", target: "../with space %h \\x41"),
    .symlink(path: "/var/lib/dash", target: "-"),
    .directory(path: "/var/lib/theirs", mode: 0o755, user: "0", group: "0"),
  ]

  @Test func generatedLinesReadBackAndLeaveOutWhatPackagesDeclare() throws {
    let besides = try parse("d /var/lib/theirs 0700\nz /var/lib/frr 0700\n")
    let text = try Tmpfiles.generate(Self.shipped.reversed(), besides: besides)
    let lines = try Tmpfiles.parse(text, file: "generated.conf")
    #expect(
      lines.map(\.path)
        == Self.shipped.map(\.path).filter { !$0.hasSuffix("theirs") }.sorted {
          $0.utf8.lexicographicallyPrecedes($1.utf8)
        })
    #expect(lines.allSatisfy { $0.unknownSpecifier == nil })
    #expect(lines.first { $0.path == "/var/lib/dash" }?.argument == [0x2D])
    #expect(lines.first { $0.path == "/var/lib/link" }?.argument == [UInt8]("../with space %h \\x41".utf8))
    #expect(try Tmpfiles.generate(Self.shipped, besides: besides) == text)
  }

  @Test(arguments: ["var/x", "/var/../etc", "/var//x", "/var/x/", "/var/\0"])
  func pathsThatAreNotNormalizedAreRefused(_ path: String) {
    #expect(
      code { _ = try Tmpfiles.generate([.symlink(path: path, target: "x")], besides: []) } == .malformed)
  }

  @Test func emptyLinkTargetsAreRefused() {
    #expect(
      code { _ = try Tmpfiles.generate([.symlink(path: "/var/x", target: "")], besides: []) } == .malformed)
  }

  @Test(
    .enabled(if: isJudgePresent, "systemd-tmpfiles (systemd) is missing, or the test does not run as root"))
  func systemdRecreatesVarFromGeneratedLines() async throws {
    let judge = try #require(HostProgram("systemd-tmpfiles"))
    try await withScratchDirectory { scratch in
      let root = scratch.appendingPathComponent("root").path
      for case .file(let path, _, _, _) in Self.shipped {
        try write("contents of \(path)", to: "\(root)/usr/share/factory\(path)")
      }
      try FileManager.default.createDirectory(atPath: "\(root)/var/lib", withIntermediateDirectories: true)
      let configuration = "\(scratch.path)/zz-var.conf"
      try write(try Tmpfiles.generate(Self.shipped, besides: []), to: configuration)
      _ = try judge.succeed(["--root=\(root)", "--create", "--boot", configuration])
      for item in Self.shipped {
        var status = stat()
        #expect(lstat(root + item.path, &status) == 0, "\(item.path)")
        switch item {
        case .directory(_, let mode, let user, let group):
          #expect(status.st_mode == S_IFDIR | mode_t(mode))
          #expect([status.st_uid, status.st_gid] == [user, group].compactMap { uid_t($0) })
        case .file(let path, let mode, let user, let group):
          #expect(status.st_mode == S_IFREG | mode_t(mode))
          #expect([status.st_uid, status.st_gid] == [user, group].compactMap { uid_t($0) })
          #expect(try contents(root + path) == [UInt8]("contents of \(path)".utf8))
        case .symlink(let path, let target):
          #expect(try FileManager.default.destinationOfSymbolicLink(atPath: root + path) == target)
        }
      }
    }
  }
}
