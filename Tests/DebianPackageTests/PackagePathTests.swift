import Testing

@testable import DebianPackage

@Suite struct PackagePathTests {
  private func normalise(_ text: String) throws(DebianPackageError) -> String? {
    try PackagePath.normalised(Array(text.utf8), in: "demo.deb: data.tar", .standard)
  }

  @Test(arguments: [
    ("./usr/bin/x", "usr/bin/x"), ("/usr/bin/x", "usr/bin/x"), ("usr/bin/x", "usr/bin/x"),
    ("usr/bin/", "usr/bin"),
    (".//./usr", "usr"), ("//usr", "usr"), ("./.hidden", ".hidden"), ("./...", "..."),
    ("./..a/b..", "..a/b.."),
    ("./Főtanúsítvány.crt", "Főtanúsítvány.crt"), ("./a b", "a b"),
    ("./system-x\\x2dy.slice", "system-x\\x2dy.slice"),
    ("./-rf", "-rf"), ("./*", "*"),
  ])
  func cleanNames(_ text: String, _ expected: String) throws {
    #expect(try normalise(text) == expected)
  }

  @Test(arguments: [".", "./", "/", "//", "./.", "././"])
  func theTopHasNoPath(_ text: String) throws {
    #expect(try normalise(text) == nil)
  }

  @Test(arguments: [
    "", "..", "../", "/..", "./..", "a/..", "a/../b", "../a", "./../a", "a/.", "a/./b", "a//b", "a//",
    "a/b//c", "\t",
    "a\u{0}b", "a\rb", "a\u{1B}[0m", "a\u{7F}",
  ])
  func namesThatAreNotClean(_ text: String) {
    #expect {
      try normalise(text)
    } throws: {
      ($0 as? DebianPackageError)?.code == .unsafePath
    }
  }

  /// Overlong forms, surrogates, and code points beyond the last: none is UTF-8 (RFC 3629, section 3).
  @Test(
    arguments: [
      [0x2F, 0xC0, 0xAE, 0xC0, 0xAE], [0xC0, 0xAF], [0xE0, 0x80, 0xAF], [0xED, 0xA0, 0x80],
      [0xF4, 0x90, 0x80, 0x80],
      [0xFF], [0x80], [0xC3], [0xE2, 0x82],
    ] as [[UInt8]])
  func bytesThatAreNotUTF8(_ bytes: [UInt8]) {
    #expect {
      try PackagePath.normalised(bytes, in: "demo.deb", .standard)
    } throws: {
      ($0 as? DebianPackageError)?.code == .unsafePath
    }
  }

  @Test func lengths() throws {
    let component = String(repeating: "c", count: 255)
    #expect(try normalise("./" + component) == component)
    #expect {
      try normalise("./" + component + "c")
    } throws: {
      ($0 as? DebianPackageError)?.code == .limit
    }
    let path = Array(repeating: "123456789012345", count: 256).joined(separator: "/")
    #expect(path.utf8.count == 4095)
    #expect(try normalise(path) == path)
    #expect {
      try normalise("./" + path)
    } throws: {
      ($0 as? DebianPackageError)?.code == .limit
    }
  }

  /// Whatever goes in, what comes out is relative, has no empty or dotted component, and is its own normal form.
  @Test func randomNamesComeOutCleanOrNotAtAll() throws {
    let pieces = ["/", ".", "..", "a", "b", "//", "./", "../", "…", " "]
    var generator = SplitMix64(state: 11)
    var clean = 0
    for _ in 0..<5000 {
      let count = Int.random(in: 0...8, using: &generator)
      let text = (0..<count).map { _ in pieces.randomElement(using: &generator) ?? "a" }.joined()
      guard let path = try? normalise(text) else { continue }
      clean += 1
      let components = path.split(separator: "/", omittingEmptySubsequences: false)
      #expect(!components.contains { $0.isEmpty || $0 == "." || $0 == ".." }, "\(text)")
      #expect(try normalise(path) == path)
    }
    #expect(clean > 100)
  }
}
