import Testing

@testable import ImageBuilder

@Suite("searching for many strings at once")
struct PatternSetTests {
  private func search(_ patterns: [String], _ text: [UInt8]) -> [String] {
    var found: [String] = []
    PatternSet(patterns.map { Array($0.utf8) }).search(text) { found.append("\($0)@\($1)") }
    return found.sorted()
  }

  @Test(
    "every place is found, at both ends and where matches overlap",
    arguments: [
      (["abcd"], "abcd", ["0@0"]), (["abcd"], "xabcdx", ["0@1"]), (["abcd"], "abc", []), (["abcd"], "", []),
      (["aaaa"], "aaaaaa", ["0@0", "0@1", "0@2"]), (["abcd", "cdef"], "abcdef", ["0@0", "1@2"]),
      (["abcd", "abcdef"], "abcdef", ["0@0", "1@0"]), (["abcd", "abcdef"], "abcde", ["0@0"]),
      (["ab"], "ababa", ["0@0", "0@2"]), (["-----BEGIN ", "ghp_"], "---------BEGIN ghp_", ["0@4", "1@15"]),
    ] as [([String], String, [String])])
  func places(patterns: [String], text: String, expected: [String]) {
    #expect(search(patterns, Array(text.utf8)) == expected)
  }

  @Test("patterns of fewer than two bytes never match, and none at all finds nothing")
  func short() {
    #expect(search(["a", ""], Array("aaaa".utf8)).isEmpty)
    #expect(search([], Array("aaaa".utf8)).isEmpty)
  }

  @Test("it finds what a naive search finds in random text of few letters")
  func random() {
    var generator = Xorshift(state: 0x9E37_79B9_7F4A_7C15)
    for _ in 0..<300 {
      func word(_ length: Int) -> [UInt8] { (0..<length).map { _ in UInt8(generator.next() % 3) } }
      let patterns = (0..<4).map { _ in word(2 + Int(generator.next() % 5)) }
      let text = word(Int(generator.next() % 200))
      var expected: Set<[Int]> = []
      for (number, pattern) in patterns.enumerated() {
        for start in text.indices where text[start...].starts(with: pattern) {
          expected.insert([number, start])
        }
      }
      var found: Set<[Int]> = []
      PatternSet(patterns).search(text) { #expect(found.insert([$0, $1]).inserted) }
      #expect(found == expected)
    }
  }

  private struct Xorshift {
    var state: UInt64

    mutating func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state >> 1
    }
  }
}
