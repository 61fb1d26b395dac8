import FoundationEssentials
import TestSupport
import Testing

@testable import DebianArchive

@Suite struct MirrorTests {
  private func bases(_ configuration: MirrorConfiguration, _ archive: String) throws -> [String] {
    try configuration.mirrors(of: archive).map(\.base.description)
  }

  @Test func aFlagNamesItsArchiveOrCarriesItInItsPath() throws {
    let named = try MirrorConfiguration.parse("debian=https://mirror.test/a/b/", origin: "--mirror")
    #expect(named.archive == "debian")
    #expect(named.base.description == "https://mirror.test/a/b")
    let plain = try MirrorConfiguration.parse("http://mirror.test:8080/x/debian-security", origin: "--mirror")
    #expect(plain.archive == "debian-security")
    // An equals sign in the address is not a name.
    #expect(try MirrorConfiguration.parse("http://mirror.test/a=b/debian", origin: "x").archive == "debian")
    #expect(try MirrorConfiguration.parse("file:///srv/debian", origin: "x").base.isLocal)
  }

  @Test(arguments: [
    "", "debian", "debian=", "ftp://mirror.test/debian", "http://mirror.test", "http:///debian",
    "file://srv/debian",
    "http://mirror.test/debian?x=1", "http://mirror.test/debian#x", "http://mirror.test/de bian",
    "Debian=http://m.test/x",
    "../x=http://m.test/x", "=http://m.test/x", "http://mirror.test/Debian", "http://m.test/a\nb/debian",
  ])
  func whatIsNoMirrorIsRefused(text: String) throws {
    let error = #expect(throws: ArchiveError.self) { try MirrorConfiguration.parse(text, origin: "--mirror") }
    #expect(error?.code == .badConfiguration)
    #expect(error?.description.hasPrefix("--mirror: ") == true)
  }

  @Test func passwordsStayOutOfMessages() throws {
    let mirror = try MirrorConfiguration.parse("http://user:secret@mirror.test/debian", origin: "x")
    #expect(mirror.base.description == "http://mirror.test/debian")
    #expect(mirror.base.address(of: "a") == "http://user:secret@mirror.test/debian/a")
    let error = #expect(throws: ArchiveError.self) {
      try MirrorConfiguration.parse("http://user:secret@mirror.test", origin: "x")
    }
    #expect(error?.description.contains("secret") == false)
  }

  @Test func pathsAreEscaped() throws {
    let mirror = try #require(MirrorURL("http://mirror.test/debian"))
    #expect(
      mirror.address(of: "pool/g++_1%3a2~3.deb") == "http://mirror.test/debian/pool/g%2B%2B_1%253a2~3.deb")
  }

  @Test func theFirstSourceThatKnowsAnArchiveDecidesAlone() async throws {
    try await withScratchDirectory { directory in
      try write(
        "debian=http://user.test/debian\n# a comment\n\nlocal=http://user.test/local\n", directory,
        "netimg/mirrors")
      try write(
        "deb http://host.test/debian trixie main\ndeb http://host.test/extra ./\n", directory,
        "apt/sources.list")
      let environment = [
        "NETIMG_MIRROR": "http://variable.test/debian  debian=http://second.test/d",
        "XDG_CONFIG_HOME": directory.path,
      ]
      let all = try MirrorConfiguration.load(
        flags: ["http://flag.test/debian"], environment: environment, aptDirectory: directory.path + "/apt")
      #expect(try bases(all, "debian") == ["http://flag.test/debian"])
      #expect(try bases(all, "local") == ["http://user.test/local"])
      #expect(try bases(all, "extra") == ["http://host.test/extra"])
      let noFlags = try MirrorConfiguration.load(
        flags: [], environment: environment, aptDirectory: directory.path + "/apt")
      #expect(try bases(noFlags, "debian") == ["http://variable.test/debian", "http://second.test/d"])
    }
  }

  @Test func anArchiveWithoutMirrorSaysHowToNameOne() throws {
    let none = try MirrorConfiguration.load(flags: [], environment: [:], aptDirectory: nil)
    let error = #expect(throws: ArchiveError.self) { try none.mirrors(of: "debian") }
    #expect(error?.code == .noMirror)
    #expect(error?.description.contains("--mirror debian=URL") == true)
  }

  @Test func aBadLineOfTheUsersIsNamedButTheHostsAreNotOurs() async throws {
    try await withScratchDirectory { directory in
      try write("debian=http://m.test/debian\nnonsense\n", directory, "netimg/mirrors")
      let error = #expect(throws: ArchiveError.self) {
        try MirrorConfiguration.load(
          flags: [], environment: ["XDG_CONFIG_HOME": directory.path], aptDirectory: nil)
      }
      #expect(error?.description.hasPrefix("\(directory.path)/netimg/mirrors:2: ") == true)
    }
  }

  @Test func aptsOneLineSources() {
    let text = """
      # deb http://comment.test/debian trixie main
      deb [arch=amd64 signed-by=/x.gpg] http://one.test/debian/ trixie main # trailing
      deb-src http://source.test/debian trixie main
      deb [ arch=amd64 ] https://two.test/debian-security trixie-security main
      deb cdrom:[Debian]/ trixie main
      deb mirror+file:/etc/mirrors trixie main
      deb
      deb [unclosed http://x.test/debian
      \tdeb file:/srv/not-ours ./
      """
    let mirrors = MirrorConfiguration.parseAptList(text, name: "list")
    #expect(
      mirrors.map(\.base.description) == ["http://one.test/debian", "https://two.test/debian-security"])
    #expect(mirrors.map(\.origin) == ["list:2", "list:4"])
  }

  @Test func aptsParagraphSources() {
    let text = """
      Types: deb deb-src
      # a comment
      URIs: http://one.test/debian
       http://two.test/mirror/debian
      Suites: trixie trixie-updates
      Components: main

      Types: deb-src
      URIs: http://source.test/debian

      Enabled: no
      Types: deb
      URIs: http://off.test/debian

      Types: deb
      URIs: http://three.test/debian-security
      """
    let mirrors = MirrorConfiguration.parseAptSources(Array(text.utf8), name: "x.sources")
    #expect(
      mirrors.map(\.base.description) == [
        "http://one.test/debian", "http://two.test/mirror/debian", "http://three.test/debian-security",
      ])
    #expect(MirrorConfiguration.parseAptSources(Array("garbage without colon".utf8), name: "x").isEmpty)
  }

  private func write(_ text: String, _ directory: URL, _ path: String) throws {
    let url = directory.appendingPathComponent(path)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }
}
