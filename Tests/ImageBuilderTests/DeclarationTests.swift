import Bytes
import Foundation
import Manifest
import Testing
import TestSupport

@testable import ImageBuilder

@Suite("the root: what manifests declare")
struct DeclarationTests {
  private let numbers = AccountNumbers(users: ["root": 0, "frr": 101], groups: ["root": 0, "frrvty": 102])

  @Test("directories, files and links arrive with mode, owner and origin")
  func kinds() throws {
    var declarations = Declarations()
    declarations.directories = [
      Declared.by(DirectoryEntry(path: "/etc/frr", mode: 0o750, owner: "frr", group: "frrvty"))
    ]
    declarations.files = [Declared.by(FileEntry(path: "/etc/frr/frr.conf", bytes: [0x61], mode: 0o640))]
    declarations.links = [Declared.by(LinkEntry(path: "/lib/x", target: "y"))]
    var tree = RootTree()
    try tree.add(declarations)
    #expect(tree.listing(below: "etc") == ["etc/frr": "d750", "etc/frr/frr.conf": "f640 a"])
    #expect(tree.listing(below: "usr") == ["usr/lib": "d755", "usr/lib/x": "l y"])
    #expect(tree["etc/frr"]?.owner == .name("frr"))
    #expect(tree["etc/frr"]?.group == .name("frrvty"))
    #expect(tree["etc/frr/frr.conf"]?.owner == .root)
    #expect(tree["etc/frr"]?.pack == PackName(.component, "part"))
  }

  @Test("a declared file that a package ships too is a conflict at the manifest's line")
  func conflict() throws {
    var tree = RootTree()
    try tree.addText("usr/bin/app", "program")
    var declarations = Declarations()
    declarations.files = [Declared.by(FileEntry(path: "/bin/app", bytes: [0x61]))]
    let error = #expect(throws: BuildError.self) { try tree.add(declarations) }
    #expect(error?.code == .conflict)
    #expect(
      error?.message.hasPrefix("images/part/component.yaml:7:3: /usr/bin/app comes from package app") == true)
  }

  @Test("permissions change mode, owner and group of what is there, through links")
  func permissions() throws {
    var tree = RootTree()
    try tree.addText("usr/bin/mount", "m", mode: 0o4755)
    try tree.add(
      RootNode(.symlink("mount"), mode: 0o777, pack: PackName(.package, "app")), at: "usr/bin/mount-too")
    try tree.apply([
      Declared.by(PermissionChange(path: "/bin/mount-too", mode: 0o755, group: "frrvty", reason: "test"))
    ])
    #expect(tree["usr/bin/mount"]?.mode == 0o755)
    #expect(tree["usr/bin/mount"]?.group == .name("frrvty"))
    #expect(tree["usr/bin/mount"]?.owner == .root)
    #expect(tree["usr/bin/mount-too"]?.mode == 0o777)
    let missing = Declared.by(PermissionChange(path: "/usr/bin/none", mode: 0o755, reason: "test"))
    let error = #expect(throws: BuildError.self) { try tree.apply([missing]) }
    #expect(error?.code == .manifest)
    #expect(error?.message.contains("component.yaml:7:3") == true)
  }

  @Test("an owner that the image does not have is named with the file")
  func unknownOwner() throws {
    #expect(try numbers.user(.name("frr"), of: "x") == 101)
    #expect(try numbers.group(.number(7), of: "x") == 7)
    let error = #expect(throws: BuildError.self) { try numbers.group(.name("frr"), of: "etc/frr") }
    #expect(error?.code == .manifest)
    #expect(
      error?.message
        == "/etc/frr belongs to group frr, which the image does not have: declare it under groups:")
  }
}

@Suite("file capabilities")
struct FileCapabilityTests {
  @Test(
    "security.capability is what setcap writes, for every capability that it knows, alone and together",
    .enabled(
      if: findTool("setcap") != nil && findTool("python3") != nil && geteuid() == 0,
      "setcap (libcap2-bin), python3 or root is missing"))
  func foreign() async throws {
    try await withScratchDirectory { scratch in
      let file = scratch.appendingPathComponent("program").path
      try Data("x".utf8).write(to: URL(fileURLWithPath: file))
      let sets =
        FileCapabilities.names.map { [$0] } + [["cap_net_admin", "cap_net_raw"], FileCapabilities.names]
      for capabilities in sets {
        let set = try run(["setcap", capabilities.joined(separator: ",") + "=ep", file])
        #expect(set.status == 0, "\(capabilities): \(set.errorText)")
        let read = try run([
          "python3", "-c", "import os, sys; print(os.getxattr(sys.argv[1], 'security.capability').hex())",
          file,
        ])
        let ours = try FileCapabilities.encode(capabilities, at: Declared.location)
        #expect(read.text == Hex.encode(ours) + "\n", "\(capabilities)")
      }
    }
  }

  @Test("an unknown capability is refused at its line; an empty list takes the package's away")
  func edges() throws {
    let error = #expect(throws: BuildError.self) {
      try FileCapabilities.encode(["cap_everything"], at: Declared.location)
    }
    #expect(error?.code == .manifest)
    #expect(error?.message.contains("cap_everything") == true)
    var tree = RootTree()
    try tree.addText("usr/bin/ping", "p", mode: 0o755)
    try tree.apply([
      Declared.by(PermissionChange(path: "/usr/bin/ping", capabilities: ["cap_net_raw"], reason: "t"))
    ])
    #expect(
      tree["usr/bin/ping"]?.extendedAttributes["security.capability"]
        == [1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    try tree.apply([Declared.by(PermissionChange(path: "/usr/bin/ping", capabilities: [], reason: "t"))])
    #expect(tree["usr/bin/ping"]?.extendedAttributes.isEmpty == true)
  }
}
