import Testing

@testable import ImageBuilder

@Suite("packs.json")
struct PackListTests {
  @Test(
    "the bytes are these: packs as they lie in the image, paths in byte order, everything generated in one, the root not listed"
  )
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
    let text = String(decoding: try PackList(tree).encode(), as: UTF8.self)
    let expected =
      #"{"format":1,"packs":["#
      + #"{"kind":"package","name":"a","paths":["srv/3-ü","srv/3/Z"]},"#
      + #"{"kind":"package","name":"b","paths":["srv/2-ü","srv/2/Z"]},"#
      + #"{"kind":"component","name":"part","paths":["srv/1-ü","srv/1/Z"]},"#
      + #"{"kind":"generated","name":"netimg","paths":["bin","lib","lib64","sbin","srv","srv/0","srv/0-ü","#
      + #""srv/0/Z","srv/1","srv/2","srv/3"]}]}"# + "\n"
    #expect(text == expected)
  }
}
