import Foundation
import TestSupport
import Testing

@testable import NativeActions

@Suite struct AlternativesTests {
  private func candidate(
    _ path: String, _ priority: Int, name: String = "editor", link: String = "/usr/bin/editor",
    followers: [Alternatives.Follower] = []
  ) -> Alternatives.Candidate {
    .init(
      origin: "package \(path)", link: link, name: name, path: path, priority: priority, followers: followers)
  }

  private func links(
    _ candidates: [Alternatives.Candidate], overrides: [String: String] = [:], absent: Set<String> = []
  ) throws -> [String: String] {
    let links = try Alternatives.links(candidates, overrides: overrides) { !absent.contains($0) }
    #expect(links.map(\.path) == links.map(\.path).sorted())
    return Dictionary(uniqueKeysWithValues: links.map { ($0.path, $0.target) })
  }

  private func target(_ candidates: [Alternatives.Candidate], _ overrides: [String: String] = [:]) throws
    -> String?
  {
    try links(candidates, overrides: overrides)["/etc/alternatives/editor"]
  }

  @Test func highestPriorityThenByteOrderThenOverride() throws {
    let offers = [candidate("/bin/b", 10), candidate("/bin/a", 10), candidate("/bin/c", -5)]
    #expect(try target(offers) == "/bin/a")
    #expect(try target(offers.reversed()) == "/bin/a")
    #expect(try target(offers + [candidate("/bin/d", 11)]) == "/bin/d")
    #expect(try target(offers, ["editor": "/bin/c"]) == "/bin/c")
  }

  @Test func followersComeAlongIfTheyAreThere() throws {
    let followers = [
      Alternatives.Follower(link: "/usr/share/man/man1/editor.1.gz", name: "editor.1.gz", path: "/man/a.gz"),
      Alternatives.Follower(link: "/usr/lib/ed", name: "ed", path: "/lib/a"),
    ]
    #expect(
      try links([candidate("/bin/a", 1, followers: followers)], absent: ["/man/a.gz"]) == [
        "/usr/bin/editor": "/etc/alternatives/editor", "/etc/alternatives/editor": "/bin/a",
        "/usr/lib/ed": "/etc/alternatives/ed", "/etc/alternatives/ed": "/lib/a",
      ])
  }

  @Test func missingThings() {
    #expect(code { _ = try links([], overrides: ["editor": "/bin/a"]) } == .missing)
    #expect(code { _ = try links([candidate("/bin/a", 1)], overrides: ["editor": "/bin/b"]) } == .missing)
    #expect(code { _ = try links([candidate("/bin/a", 1)], absent: ["/bin/a"]) } == .missing)
  }

  @Test func conflicts() {
    #expect(
      code { _ = try links([candidate("/bin/a", 1), candidate("/bin/b", 2, link: "/bin/editor")]) }
        == .conflict)
    #expect(
      code { _ = try links([candidate("/bin/a", 1), candidate("/bin/b", 2, name: "other")]) } == .conflict)
    let follower = Alternatives.Follower(link: "/usr/bin/x", name: "editor", path: "/bin/x")
    #expect(code { _ = try links([candidate("/bin/a", 1, followers: [follower])]) } == .conflict)
  }

  @Test(arguments: [
    ("", "/a"), ("a/b", "/a"), ("..", "/a"), ("a b", "/a"), ("a", "relative"), ("a", "/x/../y"),
    ("a", "/x/../\u{301}y"),
    ("a", "/"),
  ])
  func malformedNamesAndPaths(_ name: String, _ path: String) {
    #expect(code { _ = try links([candidate(path, 1, name: name)]) } == .malformed)
  }

  @Test func readsWhatMaintainerScriptsCall() throws {
    let words =
      "--quiet --install /usr/bin/editor editor /bin/nano 40 --slave /m/e e /m/nano --slave /n f /m/n"
    let parsed = try Alternatives.Candidate.parse(
      arguments: words.split(separator: " ").map(String.init), origin: "x")
    #expect(parsed.link == "/usr/bin/editor")
    #expect(parsed.priority == 40)
    #expect(parsed.followers.map(\.name) == ["e", "f"])
    #expect(parsed.followers.map(\.path) == ["/m/nano", "/m/n"])
    func failure(_ words: String) -> NativeActionError.Code? {
      code {
        _ = try Alternatives.Candidate.parse(
          arguments: words.split(separator: " ").map(String.init), origin: "x")
      }
    }
    #expect(failure("--remove editor /bin/nano") == .unsupported)
    #expect(failure("") == .unsupported)
    for bad in [
      "--install a b c", "--install a b c x", "--install a b c 1 --slave d e", "--install a b c 1 d",
    ] {
      #expect(failure(bad) == .malformed)
    }
  }

  @Test(.enabled(if: HostProgram.exists("update-alternatives"), "update-alternatives (dpkg) is missing"))
  func agreesWithUpdateAlternatives() async throws {
    let program = try #require(HostProgram("update-alternatives"))
    try await withScratchDirectory { scratch in
      let root = scratch.path
      for path in [
        "/usr/bin/one", "/usr/bin/two", "/usr/bin/three", "/man/two", "/var/lib/dpkg/alternatives/.keep",
      ] {
        try write("", to: root + path)
      }
      for directory in ["/etc/alternatives", "/usr/share/man", "/var/log"] {
        try FileManager.default.createDirectory(atPath: root + directory, withIntermediateDirectories: true)
      }
      let calls = [
        "--install /usr/bin/editor editor /usr/bin/one 10 --slave /usr/share/man/e e /man/one",
        "--install /usr/bin/editor editor /usr/bin/two 30 --slave /usr/share/man/e e /man/two --slave /usr/bin/f f /none",
        "--install /usr/bin/editor editor /usr/bin/three 20",
      ].map { $0.split(separator: " ").map(String.init) }
      for call in calls {
        _ = try program.succeed(["--root", root, "--log", "\(root)/var/log/alternatives"] + call)
      }
      let ours = try Alternatives.links(try calls.map { try .parse(arguments: $0, origin: "test") }) {
        FileManager.default.fileExists(atPath: root + $0)
      }
      var theirs: [String: String] = [:]
      for case let path as String in try #require(FileManager.default.enumerator(atPath: root)) {
        theirs["/\(path)"] = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(root)/\(path)")
      }
      #expect(Dictionary(uniqueKeysWithValues: ours.map { ($0.path, $0.target) }) == theirs)
    }
  }
}
