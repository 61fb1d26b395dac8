import Testing

@testable import DebianArchive

/// The sentences matter here: they are what an operator has to act upon.
@Suite struct SolverErrorTests {
  typealias Fixture = SolverFixture

  private func error(
    _ names: [String], _ index: PackageIndex, excluded: [String] = []
  ) throws -> ArchiveError {
    try #require(
      #expect(throws: ArchiveError.self) {
        try Fixture.solve(names, over: index, excluded: excluded)
      })
  }

  @Test func aDependencyThatNothingOffersIsExplainedAsAChain() throws {
    let index = Fixture.index(
      Fixture.paragraph("frr", "10.3", "Depends: libc, middle"),
      Fixture.paragraph("middle", "2", "Depends: libyang3 (>= 3.12)"), Fixture.paragraph("libyang3", "3.1"),
      Fixture.paragraph("libc"))
    let error = try error(["frr"], index)
    #expect(error.code == .unsolvable)
    #expect(
      error.description
        == "image router asks for frr; frr 10.3 needs middle; middle 2 needs libyang3 (>= 3.12), which no "
        + "archive offers (the newest libyang3 is 3.1)")
  }

  @Test func aDependencyOnANameThatDoesNotExist() throws {
    let index = Fixture.index(Fixture.paragraph("frr", "10", "Depends: ghost | spook:any"))
    #expect(
      try error(["frr"], index).description
        == "image router asks for frr; frr 10 needs ghost | spook:any, which no archive offers")
  }

  @Test func aVersionThatIsInsistedOnIsNamedAsTheCause() throws {
    let index = Fixture.index(
      Fixture.paragraph("frr", "10", "Depends: lib (>= 2)"), Fixture.paragraph("lib", "1"),
      Fixture.paragraph("lib", "2"))
    #expect(
      try error(["frr", "lib=1"], index).description
        == "image router asks for frr; frr 10 needs lib (>= 2), which no archive offers beside lib 1, which "
        + "image router insists on")
  }

  @Test func aConflictNamesBothSidesAndWhyTheyAreWanted() throws {
    let index = Fixture.index(
      Fixture.paragraph("app", "1", "Depends: left"), Fixture.paragraph("left", "1", "Breaks: right (<< 2)"),
      Fixture.paragraph("tool", "1", "Depends: right"), Fixture.paragraph("right", "1.5"))
    let text = try error(["app", "tool"], index).description
    #expect(
      text
        == "image router asks for app; app 1 needs left; left 1 conflicts with right (<< 2); "
        + "right 1.5 is wanted too: "
        + "image router asks for tool; tool 1 needs right; exclude one of them, with a reason, or ask for "
        + "another version")
  }

  @Test func anUnknownNameSuggestsNearOnes() throws {
    let index = Fixture.index(
      Fixture.paragraph("nftables"), Fixture.paragraph("iptables"),
      Fixture.paragraph("exim", "4", "Provides: mta"))
    let near = try error(["nftable"], index)
    #expect(near.code == .unknownPackage)
    #expect(
      near.description
        == "nftable is asked for by image router, but no archive has a package of that name; "
        + "did you mean nftables?"
    )
    #expect(try error(["mta"], index).description.hasSuffix("; exim provide it: ask for one of these"))
    #expect(
      try error(["completely-different"], index).description.hasSuffix(
        "no archive has a package of that name"))
    #expect(
      try error(["nftables"], index, excluded: ["iptable"]).description.contains("did you mean iptables?"))
  }

  @Test func allUnknownNamesAreListedAtOnce() throws {
    let index = Fixture.index(Fixture.paragraph("known"))
    let text = try error(["one", "known", "two"], index).description
    #expect(text.split(separator: "\n").count == 2)
  }

  @Test(arguments: [
    "Filename: ../../etc/passwd", "Filename: /etc/passwd", "Filename: pool//x.deb", "Filename: pool/./x.deb",
    "Filename: pool/x y.deb", "Filename: pool\\x.deb", "Filename: pool/\u{e4}.deb",
    "Filename: file:///etc/passwd",
    "Size: 0", "Size: -1", "Size: 99999999999999999999", "Size: x", "SHA256: abc",
    "Source: ../x",
  ])
  func aParagraphThatCannotBeTrustedIsRefused(field: String) throws {
    let index = Fixture.index(Fixture.paragraph("app", "1", field))
    let error = try error(["app"], index)
    #expect(error.code == .malformedIndex)
    #expect(error.description.contains("app"))
  }

  @Test func aMissingDigestIsRefused() throws {
    let index = PackageIndex(
      archive: "debian", name: "debian test main",
      text: Array(
        "Package: app\nVersion: 1\nArchitecture: amd64\nFilename: a.deb\nSize: 1\nMD5sum: 00\n".utf8))
    #expect(try error(["app"], index).description.contains("no SHA256"))
  }

  @Test func disorderInAPackagesFileNeverTraps() throws {
    let good = Fixture.paragraph("app", "1", "Depends: lib") + "\n" + Fixture.paragraph("lib", "1")
    let bytes = Array(good.utf8)
    for length in 0..<bytes.count {
      let index = PackageIndex(archive: "debian", name: "cut", text: Array(bytes[..<length]))
      _ = try? Fixture.solve(["app"], over: index)
    }
    for text in [
      "\n\n\n", "\n\n" + good, good.replacing("\n\n", with: "\n\n\n\n"), "Package\n", ":\n\n:", " x\n y\n",
    ] {
      let index = PackageIndex(archive: "debian", name: "odd", text: Array(text.utf8))
      _ = try? Fixture.solve(["app"], over: index)
    }
  }
}
