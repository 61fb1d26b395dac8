import Testing

@testable import DebianPackage

@Suite struct DebianVersionTests {
  @Test func partsAreSplitAtTheFirstColonAndTheLastDash() throws {
    let version = try DebianVersion("2:1.0-rc1-3+b1~x")
    #expect(version.epoch == 2)
    #expect(version.upstream == "1.0-rc1")
    #expect(version.revision == "3+b1~x")
    #expect(version.description == "2:1.0-rc1-3+b1~x")
    let plain = try DebianVersion("6.12.117")
    #expect((plain.epoch, plain.upstream, plain.revision) == (0, "6.12.117", ""))
  }

  @Test(arguments: [
    "", "-1", "1-", ":1", "a:1", "-1:1", "1:", "1.0 2", "1.0_2", "x1", "2147483648:1", "1-2_3", "1.0\n",
    "1.ö", "99999999999999999999:1",
  ])
  func whatDpkgWouldNotAcceptIsRefused(_ text: String) {
    #expect { try DebianVersion(text) } throws: {
      ($0 as? DebianPackageError)?.code == .malformedVersion
    }
  }

  @Test func overlongIsRefused() {
    #expect(throws: DebianPackageError.self) { try DebianVersion("1" + String(repeating: "0", count: 256)) }
  }

  @Test func knownOrder() throws {
    let ascending = [
      "0~~", "0~~a", "0~", "0", "0a", "0+", "1.0~rc1-1", "1.0-1~bpo1", "1.0-1", "1.0-1+b1", "1.0-1.1",
      "1.0-9", "1.0-10", "1.0a-1", "1.0.1", "1.9", "1.10", "1:0.1", "2:0~",
    ]
    let versions = try ascending.map { try DebianVersion($0) }
    for (left, right) in zip(versions, versions.dropFirst()) {
      #expect(left < right, "\(left) < \(right)")
      #expect(!(right < left))
      #expect(left != right)
    }
    #expect(try DebianVersion("1.0") == DebianVersion("0:1.00-0"))
    #expect(try DebianVersion("1.0") == DebianVersion("1.0-000"))
  }

  /// Every pair of a list that exercises each rule, judged by dpkg itself.
  @Test(.enabled(if: Tool.exists("dpkg", "sh"), "needs dpkg"))
  func agreesWithDpkg() throws {
    let texts = [
      "0", "0~", "0~~", "0~a", "00", "1", "1.0", "1.00", "1.0-0", "1.0-1", "1.0-1~", "1.0-1+b1", "1.0-1.1",
      "1.0+dfsg-1", "1.0~rc1-1", "1.0a", "1.0A", "1.0.a", "1.0+a", "1.0-a", "1:0", "1:0~", "10", "9", "1.10",
      "1.9", "1.09", "1.0a10", "1.0a9", "1.0.0", "1.", "1..", "1+", "1-+", "1-~", "1-.",
      "12345678901234567890",
      "12345678901234567891", "2147483647:1", "6.12.117+deb13", "1:1:1",
    ]
    var script = ""
    var expected: [(String, String)] = []
    for left in texts {
      for right in texts {
        script += "if dpkg --compare-versions '\(left)' lt '\(right)'; then echo '<'; "
        script += "elif dpkg --compare-versions '\(left)' eq '\(right)'; then echo '='; else echo '>'; fi\n"
        expected.append((left, right))
      }
    }
    let answers = try Tool.must("sh", [], input: Array(script.utf8))
    let lines = String(decoding: answers, as: UTF8.self).split(separator: "\n")
    try #require(lines.count == expected.count)
    for (answer, pair) in zip(lines, expected) {
      let left = try DebianVersion(pair.0)
      let right = try DebianVersion(pair.1)
      let ours = left < right ? "<" : left == right ? "=" : ">"
      #expect(ours == answer, "\(pair.0) \(answer) \(pair.1)")
    }
  }
}
