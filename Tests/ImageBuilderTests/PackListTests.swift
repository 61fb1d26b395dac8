import Testing

@testable import ImageBuilder

@Suite("packs.json")
struct PackListTests {
  @Test("the bytes are these: packs as they lie in the image, paths in byte order, the root not listed")
  func golden() throws {
    var tree = RootTree()
    let packs = [
      PackName(.generated, "links"), PackName(.component, "part"), PackName(.package, "b"),
      PackName(.package, "a"),
    ]
    for (number, pack) in packs.enumerated() {
      try tree.add(RootNode(.file(FileContent("x")), mode: 0o644, pack: pack), at: "srv/\(number)-ü")
      try tree.add(RootNode(.file(FileContent("y")), mode: 0o644, pack: pack), at: "srv/\(number)/Z")
    }
    #expect(String(decoding: try PackList(tree).encode(), as: UTF8.self) == "packs")
  }
}
