import Manifest
import Testing

@testable import ImageBuilder

@Suite("exceptions from the rules, and limits")
struct ExceptionTests {
  private func fixture() -> CheckFixture {
    // Its own links are dangling without /usr/bin and the like.
    CheckFixture([
      ("usr/bin/su", .text("", mode: 0o4755)), ("usr/bin/passwd", .text("", mode: 0o4755)),
      ("usr/lib/x", .text("")), ("usr/lib64/x", .text("")), ("usr/sbin/x", .text("")),
    ])
  }

  private func findings(_ exceptions: [(String, String)]) async throws -> [String] {
    var fixture = fixture()
    fixture.declarations.exceptions = exceptions.map { CheckFixture.exception($0.0, $0.1) }
    return try await RootChecks.findings(in: fixture.checked()).map { "\($0.rule) \($0.path)" }
  }

  @Test("all findings of all rules come together, sorted")
  func together() async throws {
    #expect(try await findings([]) == ["login /usr/bin/su", "setuid /usr/bin/passwd", "setuid /usr/bin/su"])
  }

  @Test("an exception silences its rule at its path and nothing else")
  func exact() async throws {
    #expect(
      try await findings([("setuid", "/usr/bin/su")]) == ["login /usr/bin/su", "setuid /usr/bin/passwd"])
    #expect(try await findings([("setuid", "/usr/bin/*")]) == ["login /usr/bin/su"])
    #expect(try await findings([("setuid", "/usr/**"), ("login", "/usr/bin/su")]) == [])
  }

  @Test("exceptions that overlap are both used")
  func overlapping() async throws {
    #expect(
      try await findings([("setuid", "/usr/bin/su"), ("setuid", "/usr/bin/*"), ("setuid", "/usr/bin/passwd")])
        == ["login /usr/bin/su"])
  }

  @Test("a path with a pattern's characters can be named as it is")
  func literal() async throws {
    var fixture = CheckFixture([("usr/bin/[", .text("", mode: 0o4755))])
    fixture.declarations.exceptions = [CheckFixture.exception("setuid", "/usr/bin/[")]
    let rules: Set<String> = [Rule.setuid.name]
    let found = Rule.setuid.findings(in: try await fixture.checked())
    #expect(found.count == 1)
    #expect(Exceptions(fixture.declarations.exceptions).filter(found, of: rules).isEmpty)
  }

  @Test(
    "an exception that accepts nothing, or names no rule, is a finding; one about sizes is not for this step")
  func unused() async throws {
    var fixture = CheckFixture([
      ("usr/lib/x", .text("")), ("usr/lib64/x", .text("")), ("usr/sbin/x", .text("")),
    ])
    fixture.add("usr/bin/x", .text(""))
    fixture.declarations.exceptions = [
      CheckFixture.exception("setuid", "/usr/bin/gone"), CheckFixture.exception("suid", "/usr/bin/su"),
      CheckFixture.exception("uki-size", "/uki.efi"),
    ]
    let findings = try await RootChecks.findings(in: fixture.checked())
    #expect(findings.map(\.rule) == ["unused-exception", "unused-exception"])
    #expect(
      findings.first?.message
        == "images/part/component.yaml:7:3: the exception for setuid accepts nothing that is there: remove it"
    )
    #expect(
      findings.last?.message.contains("there is no rule suid: the rules are capabilities, dangling-link,")
        == true)
  }

  @Test("a file over the limit")
  func fileSize() async throws {
    var fixture = fixture()
    fixture.add("usr/share/big", .text(String(repeating: "x", count: 101)))
    fixture.add("usr/share/fits", .text(String(repeating: "x", count: 100)))
    fixture.limits = Limits(file: Declared.by(100))
    #expect(
      try await fixture.findings(.fileSize) == [
        "/usr/share/big: has 101 bytes, 1 more than the limit of 100 at images/part/component.yaml:7:3: make it "
          + "smaller, or raise the limit"
      ])
  }

  @Test("rules have one name each, which exceptions can spell")
  func names() {
    #expect(Set(Rule.names).count == Rule.names.count)
    for name in Rule.names { #expect(name.allSatisfy { $0.isLowercase || $0 == "-" }) }
  }
}

@Suite("rules in a build", .enabled(if: TinyImage.isPossible, "missing: \(TinyImage.missingTools)"))
struct BuildPolicyTests {
  @Test("a release does not exist if the image breaks a rule, and does with a reason, which it states")
  func refusal() async throws {
    var tiny = try await TinyImage()
    tiny.declarations.permissions = [
      Declared.by(PermissionChange(path: "/usr/bin/app", mode: 0o4755, reason: "the test wants it"))
    ]
    let refused = await failure { try await tiny.build() }
    #expect(refused?.code == .policy)
    // Both names of the one file.
    #expect(refused?.findings.map(\.path) == ["/usr/bin/app", "/usr/bin/app-too"])
    #expect(refused?.description.contains("setuid: /usr/bin/app: is set-user-ID (mode 4755)") == true)
    #expect(refused?.description.hasSuffix("(docs/checks.md)") == true)

    // What is found only in the finished release is in the same list.
    tiny.limits = Limits(image: Declared.by(1))
    tiny.declarations.exceptions = [CheckFixture.exception("uki-size", "/uki.efi")]
    #expect(
      await failure { try await tiny.build() }?.findings.map { "\($0.rule) \($0.path)" } == [
        "image-size /", "setuid /usr/bin/app", "setuid /usr/bin/app-too", "unused-exception /uki.efi",
      ])

    tiny.limits = Limits()
    tiny.declarations.exceptions = [CheckFixture.exception("setuid", "/usr/bin/app*")]
    let built = try await tiny.build()
    #expect(
      built.release.exceptions == [
        Release.Exception(rule: "setuid", path: "/usr/bin/app*", reason: "the test wants it")
      ])
  }

  @Test("the manifest's own words are as public as the image: a token on the command line stops the build")
  func commandLine() async throws {
    var tiny = try await TinyImage()
    let token = "ghp_" + String(repeating: "aB3", count: 12)
    tiny.declarations.commandLine = [Declared.by("agent.token=\(token)")]
    let refused = await failure { try await tiny.build() }
    #expect(refused?.findings.map { "\($0.rule) \($0.path)" } == ["release-secret /release.json"])
    #expect(refused?.description.contains("holds a GitHub token at byte ") == true)
    #expect(refused?.description.contains(token) == false)
  }

  @Test("limits of the root image and the UKI are found together, and can be excused")
  func sizes() async throws {
    var tiny = try await TinyImage()
    tiny.limits = Limits(image: Declared.by(1), uki: Declared.by(2))
    let refused = await failure { try await tiny.build() }
    #expect(refused?.findings.map { "\($0.rule) \($0.path)" } == ["image-size /", "uki-size /uki.efi"])
    tiny.declarations.exceptions = [CheckFixture.exception("uki-size", "/uki.efi")]
    #expect(await failure { try await tiny.build() }?.findings.map(\.rule) == ["image-size"])
    tiny.limits = Limits()
    #expect(await failure { try await tiny.build() }?.findings.map(\.rule) == ["unused-exception"])
  }
}
