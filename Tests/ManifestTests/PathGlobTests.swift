import Manifest
import Testing

@Suite struct PathGlobTests {
  @Test(arguments: [
    ("/usr/share/doc/**", "/usr/share/doc/a", true), ("/usr/share/doc/**", "/usr/share/doc/a/b/c", true),
    ("/usr/share/doc/**", "/usr/share/doc", false), ("/usr/share/doc/**", "/usr/share/docs/a", false),
    ("/a/*", "/a/b", true), ("/a/*", "/a/b/c", false), ("/a/*", "/a", false), ("/a/*", "/a/.b", true),
    ("/a/?", "/a/b", true), ("/a/?", "/a/ä", true), ("/a/?", "/a/bc", false), ("/a/??", "/a/ä€", true),
    ("/**/c", "/c", true), ("/**/c", "/a/b/c", true), ("/**/c", "/a/b/cc", false),
    ("/a/**/b/**/c", "/a/b/c", true), ("/a/**/b/**/c", "/a/x/b/y/b/z/c", true),
    ("/a/**/b/**/c", "/a/c/b", false), ("/**/**", "/a", true), ("/**", "/a/b", true),
    ("/a/*.md", "/a/x.md", true), ("/a/*.md", "/a/x.mdx", false), ("/a/*a*b*", "/a/xxayybzz", true),
    ("/a/*a*b*", "/a/ba", false), ("/a/[x]", "/a/[x]", true), ("/a/[x]", "/a/x", false),
    ("/a", "/a", true), ("/a", "/a/b", false), ("/a", "a", false), ("/a", "", false),
    ("/a/**/b*c", "/a/b/bc", true),
    ("/usr/share/locale/**/*.mo", "/usr/share/locale/de/LC_MESSAGES/x.mo", true),
  ])
  func matches(pattern: String, path: String, expected: Bool) throws {
    #expect(try #require(PathGlob(pattern)).matches(path) == expected)
  }

  @Test(arguments: ["", "a", "/", "/a/", "//a", "/./a", "/../a", "/a**", "/**a", "/***", "/a\u{0}"])
  func refuses(pattern: String) {
    #expect(PathGlob(pattern) == nil)
  }

  @Test func manyStarsStayCheap() throws {
    // A backtracking matcher would need longer than the universe has for these two.
    let star = try #require(PathGlob("/" + String(repeating: "*a", count: 60) + "b"))
    #expect(!star.matches("/" + String(repeating: "a", count: 4000)))
    let depth = try #require(PathGlob(String(repeating: "/**/a", count: 60) + "/b"))
    #expect(!depth.matches(String(repeating: "/a", count: 2000)))
  }

  @Test func aRuleKeepsWhatItExcepts() throws {
    let rule = DropRule(
      paths: [try #require(PathGlob("/usr/share/doc/**"))],
      keep: [try #require(PathGlob("/usr/share/doc/*/copyright"))], reason: "small")
    #expect(rule.drops("/usr/share/doc/frr/README"))
    #expect(!rule.drops("/usr/share/doc/frr/copyright"))
    #expect(!rule.drops("/usr/bin/frr"))
  }
}
