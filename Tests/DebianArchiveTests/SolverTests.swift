import Bytes
import Testing

@testable import DebianArchive

@Suite struct SolverTests {
  typealias Fixture = SolverFixture

  @Test func dependenciesComeAlongRecommendationsAndEssentialPackagesDoNot() throws {
    let index = Fixture.index(
      Fixture.paragraph(
        "app", "2", "Depends: lib (>= 1)", "Pre-Depends: base", "Recommends: extra", "Suggests: more"),
      Fixture.paragraph("lib", "1"), Fixture.paragraph("base", "1", "Essential: yes"),
      Fixture.paragraph("extra"),
      Fixture.paragraph("more"), Fixture.paragraph("other", "1", "Essential: yes"))
    let solution = try Fixture.solve(["app"], over: index)
    #expect(solution.summary == ["app=2", "base=1", "lib=1"])
  }

  @Test func theNewestVersionOfAllArchivesWins() throws {
    let main = Fixture.index(Fixture.paragraph("app", "1.10"), Fixture.paragraph("lib", "1:1"))
    let security = Fixture.index(
      Fixture.paragraph("app", "1.9"), Fixture.paragraph("app", "1.10+deb13u1", "Depends: lib"),
      Fixture.paragraph("lib", "2"), archive: "debian-security")
    let solution = try Fixture.solve(["app"], over: main, security)
    #expect(solution.summary == ["app=1.10+deb13u1", "lib=1:1"])
    #expect(solution.packages.map(\.archive) == ["debian-security", "debian"])
    // A tilde sorts before the end.
    let beta = Fixture.index(Fixture.paragraph("app", "2~beta"), Fixture.paragraph("app", "2"))
    #expect(try Fixture.solve(["app"], over: beta).summary == ["app=2"])
  }

  @Test func aVersionThatIsAskedForIsTaken() throws {
    let index = Fixture.index(
      Fixture.paragraph("app", "1", "Depends: lib (= 1)"),
      Fixture.paragraph("app", "2", "Depends: lib (= 2)"),
      Fixture.paragraph("lib", "1"), Fixture.paragraph("lib", "2"))
    #expect(try Fixture.solve(["app=2"], over: index).summary == ["app=2", "lib=2"])
    #expect(try Fixture.solve(["app=1", "lib=1"], over: index).summary == ["app=1", "lib=1"])
    // Asked for twice, once with a version: the version counts, in whatever order.
    #expect(try Fixture.solve(["app", "app=1", "lib=1"], over: index).summary == ["app=1", "lib=1"])
    let error = #expect(throws: ArchiveError.self) { try Fixture.solve(["app=3"], over: index) }
    #expect(error?.code == .unknownVersion)
    #expect(error?.description == "image router asks for app=3, but the archives have 1, 2")
  }

  @Test func theFirstAlternativeThatCanBeHadIsChosen() throws {
    // By name, "a" would come first: the control file says otherwise.
    let index = Fixture.index(
      Fixture.paragraph("app", "1", "Depends: z | a"),
      Fixture.paragraph("other", "1", "Depends: missing | z | a"),
      Fixture.paragraph("a"), Fixture.paragraph("z"))
    #expect(try Fixture.solve(["app"], over: index).summary == ["app=1", "z=1"])
    #expect(try Fixture.solve(["other"], over: index).summary == ["other=1", "z=1"])
    // What is there anyway will do.
    #expect(try Fixture.solve(["app", "a"], over: index).summary == ["a=1", "app=1"])
    // A first alternative that leads nowhere is passed over.
    let blocked = Fixture.index(
      Fixture.paragraph("app", "1", "Depends: z | a"), Fixture.paragraph("z", "1", "Depends: missing"),
      Fixture.paragraph("a"))
    #expect(try Fixture.solve(["app"], over: blocked).summary == ["a=1", "app=1"])
  }

  @Test func virtualPackagesAndTheirVersions() throws {
    let index = Fixture.index(
      Fixture.paragraph("app", "1", "Depends: mta"), Fixture.paragraph("postfix", "3", "Provides: mta"),
      Fixture.paragraph("exim", "4", "Provides: mta, smtpd (= 2)"),
      Fixture.paragraph("strict", "1", "Depends: smtpd (>= 2)"),
      Fixture.paragraph("stricter", "1", "Depends: mta (>= 2)"))
    #expect(try Fixture.solve(["app"], over: index).summary == ["app=1", "exim=4"])
    #expect(try Fixture.solve(["app", "postfix"], over: index).summary == ["app=1", "postfix=3"])
    #expect(try Fixture.solve(["strict"], over: index).summary == ["exim=4", "strict=1"])
    // A provision without a version meets no versioned dependency (Debian policy 7.5).
    #expect(throws: ArchiveError.self) { try Fixture.solve(["stricter"], over: index) }
  }

  @Test func multiArchQualifiersAndForeignArchitectures() throws {
    let index = Fixture.index(
      Fixture.paragraph("app", "1", "Depends: python3:any (>= 3), perl:any, data"),
      Fixture.paragraph("python3", "3.13", "Multi-Arch: allowed"),
      Fixture.paragraph("perl", "5", "Multi-Arch: allowed"),
      Fixture.paragraph("data", "1", "Architecture: all"),
      Fixture.paragraph("data", "9", "Architecture: arm64"))
    let solution = try Fixture.solve(["app"], over: index)
    #expect(solution.summary == ["app=1", "data=1", "perl=5", "python3=3.13"])
    #expect(solution.packages.map(\.architecture) == ["amd64", "all", "amd64", "amd64"])
    #expect(solution.why("python3")?.last == "app needs python3:any (>= 3)")
  }

  @Test func anExcludedPackageCountsAsInstalledButBringsNothing() throws {
    let index = Fixture.index(
      Fixture.paragraph("frr", "10", "Depends: lsof (>= 4), libc"),
      Fixture.paragraph("lsof", "5", "Depends: perl", "Conflicts: busybox"), Fixture.paragraph("perl"),
      Fixture.paragraph("libc"), Fixture.paragraph("busybox"), Fixture.paragraph("unused"))
    let solution = try Fixture.solve(["frr", "busybox"], over: index, excluded: ["lsof", "unused"])
    #expect(solution.summary == ["busybox=1", "frr=10", "libc=1"])
    #expect(solution.unneededExclusions == ["unused"])
    // Its version still counts: what needs a newer one is not met.
    let strict = Fixture.index(
      Fixture.paragraph("frr", "10", "Depends: lsof (>= 6)"), Fixture.paragraph("lsof", "5"))
    #expect(throws: ArchiveError.self) { try Fixture.solve(["frr"], over: strict, excluded: ["lsof"]) }
    // What it provides is provided.
    let provided = Fixture.index(
      Fixture.paragraph("frr", "10", "Depends: lister"), Fixture.paragraph("lsof", "5", "Provides: lister"))
    #expect(try Fixture.solve(["frr"], over: provided, excluded: ["lsof"]).summary == ["frr=10"])
  }

  @Test func everyPackageSaysWhyItIsHereOverTheShortestChain() throws {
    let index = Fixture.index(
      Fixture.paragraph("app", "1", "Depends: one, deep"), Fixture.paragraph("one", "1", "Depends: two"),
      Fixture.paragraph("two", "1", "Depends: deep (>= 1) | other"),
      Fixture.paragraph("deep", "1", "Depends: leaf"),
      Fixture.paragraph("leaf"))
    let solution = try Fixture.solve(["app", "two"], over: index)
    #expect(solution.why("app") == ["image router asks for app"])
    #expect(solution.why("two") == ["image router asks for two"])
    #expect(solution.why("deep") == ["image router asks for app", "app needs deep"])
    #expect(solution.why("leaf") == ["image router asks for app", "app needs deep", "deep needs leaf"])
  }

  @Test func aPackageThatOnlyTheBuildReadsComesAlone() throws {
    let index = Fixture.index(
      Fixture.paragraph("app"), Fixture.paragraph("stub", "257", "Depends: tools"), Fixture.paragraph("tools")
    )
    let solution = try Fixture.solve(["app"], over: index, buildOnly: ["stub"])
    #expect(solution.summary == ["app=1"])
    #expect(solution.buildOnly.map(\.name) == ["stub"])
    #expect(solution.buildOnly.map(\.why) == [["image router asks for stub to build with"]])
    let both = try Fixture.solve(["app", "stub"], over: index, buildOnly: ["stub"])
    #expect(both.summary == ["app=1", "stub=257", "tools=1"])
    #expect(both.buildOnly.isEmpty)
  }

  @Test func preferredVersionsStayUntilTheyAreInTheWay() throws {
    let index = Fixture.index(
      Fixture.paragraph("app", "1", "Depends: lib (>= 1)"),
      Fixture.paragraph("app", "2", "Depends: lib (>= 2)"),
      Fixture.paragraph("lib", "1"), Fixture.paragraph("lib", "2"), Fixture.paragraph("side", "1"),
      Fixture.paragraph("side", "2"))
    let old = ["app": "1", "lib": "1", "side": "1"]
    #expect(
      try Fixture.solve(["app", "side"], over: index, preferred: old).summary == ["app=1", "lib=1", "side=1"])
    // The app is updated, which forces the library along, and nothing else.
    let updated = ["lib": "1", "side": "1"]
    #expect(
      try Fixture.solve(["app", "side"], over: index, preferred: updated).summary == [
        "app=2", "lib=2", "side=1",
      ])
    // A version that is gone from the archives, and a package that is gone.
    let gone = ["app": "0.9", "vanished": "1"]
    #expect(try Fixture.solve(["app"], over: index, preferred: gone).summary == ["app=2", "lib=2"])
    // What is asked for wins over what was there.
    #expect(try Fixture.solve(["app=2"], over: index, preferred: old).summary == ["app=2", "lib=2"])
  }

  @Test func theAnswerDoesNotDependOnTheOrderOfTheRequest() throws {
    let index = Fixture.index(
      Fixture.paragraph("a", "1", "Depends: x | y"), Fixture.paragraph("b", "1", "Depends: y | x"),
      Fixture.paragraph("x"), Fixture.paragraph("y"))
    let first = try Fixture.solve(["a", "b"], over: index)
    for _ in 0..<5 { #expect(try Fixture.solve(["a", "b"], over: index) == first) }
  }

  @Test func whatIsFetchedIsReadFromTheParagraph() throws {
    let digest = String(repeating: "ab", count: 32)
    let index = Fixture.index(
      Fixture.paragraph("before"),
      Fixture.paragraph(
        "app", "1:2-3", "Architecture: all", "Filename: ./pool/a/app_2-3_all.deb", "Size: 4711",
        "SHA256: \(digest)",
        "Source: app-src (1:2-3+b1)"))
    let package = try #require(try Fixture.solve(["app"], over: index).packages.first)
    #expect(package.path == "pool/a/app_2-3_all.deb")
    #expect(package.size == 4711)
    #expect(package.digest.hex == digest)
    #expect(package.source == "app-src")
    #expect(package.architecture == "all")
  }
}
