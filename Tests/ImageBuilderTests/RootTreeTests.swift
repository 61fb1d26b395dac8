import Foundation
import Manifest
import Testing
import TestSupport

@testable import ImageBuilder

private let hasDpkg = findTool("dpkg-deb") != nil

@Suite("the root: paths")
struct RootPathTests {
  private func file(_ text: String = "", mode: UInt16 = 0o644, _ pack: PackName) -> RootNode {
    RootNode(.file(FileContent(text)), mode: mode, pack: pack)
  }

  private let app = PackName(.package, "app")
  private let other = PackName(.package, "other")
  private let part = PackName(.component, "part")

  @Test(
    "what lies below /bin, /sbin and /lib lies below /usr",
    arguments: [
      ("/lib/x", "usr/lib/x"), ("lib64/ld.so", "usr/lib64/ld.so"), ("bin/sh", "usr/bin/sh"), ("sbin", "sbin"),
      ("library/x", "library/x"), ("usr/lib/x", "usr/lib/x"), ("/", ""), ("binary", "binary"),
    ])
  func canonical(path: String, expected: String) {
    #expect(RootTree.canonical(path) == expected)
  }

  @Test("a package that ships /lib as a directory finds the link there, in whatever order packages come")
  func mergedDirectory() throws {
    for hasUsrFirst in [false, true] {
      var tree = RootTree()
      if hasUsrFirst { try tree.add(file("u", app), at: "usr/lib/u") }
      try tree.add(RootNode(.directory, mode: 0o755, pack: other), at: "lib")
      try tree.add(file("v", other), at: "lib/v")
      #expect(tree.listing(below: "")["lib"] == "l usr/lib")
      #expect(tree["usr/lib/v"]?.bytes == Array("v".utf8))
      #expect(tree.node(at: "lib/v")?.pack == other)
    }
  }

  @Test("a link that stands for a directory is followed inside the image, and never above its root")
  func linkAsParent() throws {
    var tree = RootTree()
    try tree.add(RootNode(.directory, mode: 0o750, pack: app), at: "srv/data")
    try tree.add(RootNode(.symlink("../../srv/data"), mode: 0o777, pack: app), at: "usr/share/data")
    try tree.add(file("x", other), at: "usr/share/data/x")
    try tree.add(RootNode(.symlink("/../../../srv/data"), mode: 0o777, pack: app), at: "up")
    try tree.add(file("y", other), at: "up/y")
    try tree.add(RootNode(.directory, mode: 0o755, pack: other), at: "usr/share/data")
    #expect(
      tree.listing(below: "srv") == ["srv/data": "d750", "srv/data/x": "f644 x", "srv/data/y": "f644 y"])
  }

  @Test("names of equal characters and other bytes are two files, as they are for the kernel")
  func canonicalEquivalents() throws {
    var tree = RootTree()
    let names = ["usr/\u{E9}", "usr/e\u{301}", "usr/K", "usr/\u{212A}", "usr/\u{301}"]
    for name in names { try tree.add(file(name, app), at: "/" + name) }
    let paths = tree.paths(below: "usr").filter { !["usr/bin", "usr/lib"].contains($0) }
    #expect(
      paths.map { Array($0.utf8) } == names.map { Array($0.utf8) }.sorted { $0.lexicographicallyPrecedes($1) }
    )
    for name in names { #expect(tree[name]?.bytes == Array(name.utf8)) }
    #expect(throws: BuildError.self) { try tree.add(file("other", other), at: names[0]) }
    try tree.add(RootNode(.symlink("K"), mode: 0o777, pack: app), at: "link")
    try tree.add(RootNode(.symlink("\u{212A}"), mode: 0o777, pack: app), at: "kelvin")
    #expect(throws: BuildError.self) {
      try tree.add(RootNode(.symlink("\u{212A}"), mode: 0o777, pack: other), at: "link")
    }
  }

  @Test("ld.so.conf files that include each other end, in a circle or in a flood")
  func includes() throws {
    var tree = RootTree()
    try tree.addText("etc/ld.so.conf", "include /etc/a0-*.conf\n")
    for level in 0..<9 {
      for number in 0..<6 {
        try tree.addText(
          "etc/a\(level)-\(number).conf", "/usr/lib/\(level)\ninclude /etc/a\(level + 1)-*.conf\n")
      }
    }
    #expect(code { try tree.libraryDirectories() } == .badInput)
    var circle = RootTree()
    try circle.addText("etc/ld.so.conf", "include /etc/ld.so.conf\n")
    #expect(code { try circle.libraryDirectories() } == .badInput)
  }

  @Test("a walk says what is missing, what leads in circles, and which links it took")
  func walks() throws {
    var tree = RootTree()
    try tree.add(file("x", app), at: "usr/share/x")
    try tree.add(RootNode(.symlink("../share/x"), mode: 0o777, pack: app), at: "usr/lib/x")
    try tree.add(RootNode(.symlink("b"), mode: 0o777, pack: app), at: "a")
    try tree.add(RootNode(.symlink("a"), mode: 0o777, pack: app), at: "b")
    try tree.add(RootNode(.symlink("/usr/share/none/y"), mode: 0o777, pack: app), at: "c")
    let walk = tree.walk("lib/x")
    #expect(walk.end == .found("usr/share/x"))
    #expect(walk.links.map(\.path) == ["lib", "usr/lib/x"])
    #expect(walk.links.map(\.target) == ["usr/lib", "../share/x"])
    #expect(tree.walk("a").end == .circular("a"))
    #expect(tree.walk("c/z").end == .missing("usr/share/none/y/z"))
    // Nothing is below a file, not even what is beside it.
    #expect(tree.walk("usr/share/x/../x").end == .missing("usr/share/x/../x"))
    #expect(tree.walk("../../usr/./share").end == .found("usr/share"))
    #expect(tree.walk("").end == .found(""))
  }

  @Test(
    "nothing can lie below a file, a link to a file, a circle, or a link to nothing",
    arguments: ["file", "link", "circle", "nothing"])
  func impossibleParents(parent: String) throws {
    var tree = RootTree()
    try tree.add(file("f", app), at: "file")
    try tree.add(RootNode(.symlink("file"), mode: 0o777, pack: app), at: "link")
    try tree.add(RootNode(.symlink("circle"), mode: 0o777, pack: app), at: "circle")
    try tree.add(RootNode(.symlink("/run/none"), mode: 0o777, pack: app), at: "nothing")
    let error = #expect(throws: BuildError.self) { try tree.add(file("x", other), at: "\(parent)/a/x") }
    #expect(error?.code == .conflict)
    #expect(error?.message.contains("package other") == true, "\(error?.message ?? "")")
    #expect(tree.paths(below: parent).isEmpty)
  }

  @Test("resolving follows links, dots and circles as the kernel does")
  func resolve() throws {
    var tree = RootTree()
    try tree.add(file("x", app), at: "usr/lib/x/file")
    for (path, target) in [("a", "b"), ("b", "usr/lib/./x/../x"), ("loop1", "loop2"), ("loop2", "/loop1")] {
      try tree.add(RootNode(.symlink(target), mode: 0o777, pack: app), at: path)
    }
    #expect(tree.resolve("a/file") == "usr/lib/x/file")
    #expect(tree.resolve("lib/x/file") == "usr/lib/x/file")
    #expect(tree.resolve("loop1") == nil)
    #expect(tree.resolve("a/none") == nil)
    #expect(tree.resolve("../../b") == "usr/lib/x")
    for count in [39, 40, 41] {
      var chain = RootTree()
      try chain.add(file("x", app), at: "end")
      for number in 0..<count {
        let target = number + 1 == count ? "end" : "l\(number + 1)"
        try chain.add(RootNode(.symlink(target), mode: 0o777, pack: app), at: "l\(number)")
      }
      #expect((chain.resolve("l0") != nil) == (count <= 40))
    }
  }

  @Test("equal files and links are no conflict; different ones name both owners")
  func conflicts() throws {
    var tree = RootTree()
    try tree.add(file("same", app), at: "usr/a")
    try tree.add(file("same", other), at: "usr/a")
    try tree.add(RootNode(.symlink("a"), mode: 0o777, pack: app), at: "usr/l")
    try tree.add(RootNode(.symlink("a"), mode: 0o777, pack: other), at: "usr/l")
    let different: [(String, RootNode)] = [
      ("usr/a", file("changed", other)), ("usr/a", file("same", mode: 0o755, other)),
      ("usr/a", RootNode(.directory, mode: 0o755, pack: other)),
      ("usr/a", RootNode(.symlink("b"), mode: 0o777, pack: other)),
      ("usr/l", RootNode(.symlink("b"), mode: 0o777, pack: other)),
      ("usr", file("not a directory", other)),
    ]
    for (path, node) in different {
      let error = #expect(throws: BuildError.self) { try tree.add(node, at: path) }
      #expect(error?.code == .conflict)
      #expect(error?.message.contains("package app") == true || path == "usr", "\(error?.message ?? "")")
      #expect(error?.message.contains("package other") == true, "\(error?.message ?? "")")
    }
    #expect(tree["usr/a"]?.pack == app)
  }

  @Test("a component replaces a conffile, once; it replaces nothing else of a package")
  func conffile() throws {
    var tree = RootTree()
    var shipped = file("shipped", app)
    shipped.isConfigurationFile = true
    try tree.add(shipped, at: "etc/app.conf")
    try tree.add(file("program", app), at: "usr/bin/app")
    try tree.add(file("ours", part), at: "etc/app.conf")
    #expect(tree["etc/app.conf"]?.bytes == Array("ours".utf8))
    #expect(code { try tree.add(file("theirs", PackName(.image, "i")), at: "etc/app.conf") } == .conflict)
    #expect(code { try tree.add(file("ours", part), at: "usr/bin/app") } == .conflict)
  }

  @Test("another package cannot replace a conffile")
  func conffileOfTwoPackages() throws {
    var tree = RootTree()
    var shipped = file("shipped", app)
    shipped.isConfigurationFile = true
    try tree.add(shipped, at: "etc/app.conf")
    var second = file("other", other)
    second.isConfigurationFile = true
    #expect(code { try tree.add(second, at: "etc/app.conf") } == .conflict)
  }

  @Test("a directory takes its mode from the first who ships it, not from the parents made for a file")
  func directoryModes() throws {
    var tree = RootTree()
    try tree.add(file("x", app), at: "srv/a/x")
    try tree.add(RootNode(.directory, mode: 0o700, pack: other), at: "srv/a")
    try tree.add(RootNode(.directory, mode: 0o755, pack: app), at: "srv/a")
    #expect(tree["srv/a"]?.mode == 0o700)
    #expect(tree["srv"]?.mode == 0o755)
  }

  @Test(
    "a declared directory that a package ships with another mode or owner is a conflict, not a silent nothing"
  )
  func declaredDirectory() throws {
    var tree = RootTree()
    try tree.add(RootNode(.directory, mode: 0o755, pack: app), at: "srv/a")
    try tree.add(RootNode(.directory, mode: 0o755, pack: part), at: "srv/a")
    let error = #expect(throws: BuildError.self) {
      try tree.add(RootNode(.directory, mode: 0o700, pack: part), at: "srv/a")
    }
    #expect(error?.code == .conflict)
    #expect(error?.message.contains("permissions") == true)
    var owned = RootNode(.directory, mode: 0o755, pack: part)
    owned.owner = .name("frr")
    #expect(code { try tree.add(owned, at: "srv/a") } == .conflict)
  }
}

@Suite("the root: packages", .enabled(if: hasDpkg, "dpkg-deb is missing: install dpkg"))
struct RootPackageTests {
  @Test("every kind of entry arrives with its mode; hard links stay one file")
  func kinds() async throws {
    var package = FixturePackage(name: "app")
    package.items = [
      ("usr/bin/a", .text("program", mode: 0o4755)), ("usr/bin/b", .hardLink("usr/bin/a")),
      ("usr/bin/c", .link("a")), ("srv/private", .directory(mode: 0o2750)), ("etc/app.conf", .text("x")),
    ]
    package.control = ["conffiles": "/etc/app.conf\n"]
    var tree = RootTree()
    try tree.add(try await package.unpack())
    #expect(
      tree.listing(below: "usr/bin") == [
        "usr/bin/a": "f4755 program", "usr/bin/b": "f4755 program", "usr/bin/c": "l a",
      ])
    #expect(tree["srv/private"]?.mode == 0o2750)
    guard case .file(let one)? = tree["usr/bin/a"]?.kind, case .file(let two)? = tree["usr/bin/b"]?.kind
    else {
      Issue.record("the names are no files")
      return
    }
    #expect(one === two)
    #expect(tree["etc/app.conf"]?.isConfigurationFile == true)
    #expect(tree["usr/bin/a"]?.isConfigurationFile == false)
    #expect(tree["usr/bin/a"]?.pack.description == "package app")
  }

  @Test("two packages with one path are a conflict that names both")
  func twoPackages() async throws {
    var one = FixturePackage(name: "one")
    one.items = [("usr/share/x", .text("1"))]
    var two = FixturePackage(name: "two")
    two.items = [("usr/share/x", .text("2"))]
    var tree = RootTree()
    try tree.add(try await one.unpack())
    let second = try await two.unpack()
    let error = #expect(throws: BuildError.self) { try tree.add(second) }
    #expect(
      error?.message
        == "/usr/share/x comes from package one and, with other content, from package two; drop it from one of them"
    )
  }

  @Test(
    "what the manifest drops does not arrive, what it keeps does; a hard link to something dropped says so")
  func drops() async throws {
    var package = FixturePackage(name: "app")
    package.items = [
      ("usr/share/doc/app/README", .text("r")), ("usr/share/doc/app/copyright", .text("c")),
      ("usr/bin/a", .text("program")), ("usr/bin/b", .hardLink("usr/bin/a")),
    ]
    func drop(_ path: String, keep: [String] = []) throws -> DropRule {
      DropRule(
        paths: [try #require(PathGlob(path))], keep: try keep.map { try #require(PathGlob($0)) },
        reason: "test")
    }
    var tree = RootTree()
    try tree.add(
      try await package.unpack(drops: [drop("/usr/share/doc/**", keep: ["/usr/share/doc/*/copyright"])]))
    #expect(tree["usr/share/doc/app/copyright"] != nil)
    #expect(tree["usr/share/doc/app/README"] == nil)

    var second = RootTree()
    let cut = try await package.unpack(drops: [drop("/usr/bin/a")])
    #expect(code { try second.add(cut) } == .manifest)
    var third = RootTree()
    try third.add(try await package.unpack(drops: [drop("/usr/bin/b")]))
    #expect(third["usr/bin/a"] != nil && third["usr/bin/b"] == nil)
  }
}
