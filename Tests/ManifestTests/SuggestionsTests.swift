import Testing

@testable import Manifest

@Suite struct SuggestionsTests {
  @Test(arguments: [
    ("kernel", "kernel", 0), ("kernal", "kernel", 1), ("krenel", "kernel", 1), ("kernl", "kernel", 1),
    ("", "abc", 3), ("abc", "", 3), ("abcd", "badc", 2), ("sitting", "kitten", 3),
  ])
  func distancesAreThoseOfTheTextbook(left: String, right: String, expected: Int) {
    #expect(Suggestions.distance(Array(left.utf8), Array(right.utf8)) == expected)
    #expect(Suggestions.distance(Array(right.utf8), Array(left.utf8)) == expected)
  }

  @Test func theNearestWins() {
    #expect(Suggestions.nearest(to: "fils", among: ["users", "files", "links"]) == "files")
    #expect(Suggestions.nearest(to: "Files", among: ["files"]) == "files")
    #expect(Suggestions.nearest(to: "apiversion", among: ["version", "apiVersion"]) == "apiVersion")
  }

  @Test func ofEqualsTheFirstInOrderWins() {
    #expect(Suggestions.nearest(to: "b", among: ["c", "a"]) == "a")
  }

  @Test func nothingNearIsNothing() {
    #expect(Suggestions.nearest(to: "zzz", among: ["files", "links"]) == nil)
    #expect(Suggestions.nearest(to: String(repeating: "a", count: 65), among: ["a"]) == nil)
    #expect(Suggestions.nearest(to: "a", among: []) == nil)
  }
}
