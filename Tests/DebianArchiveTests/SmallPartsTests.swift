import FoundationEssentials
import Manifest
import TestSupport
import Testing

@testable import DebianArchive

@Testing.Suite struct ArchivePathTests {
  @Test(arguments: [
    "a", "pool/main/f/frr/frr_10.3-3+deb13u1_amd64.deb", "dists/trixie/InRelease", "a/..b/c...d",
  ])
  func whatStaysBelowTheBaseIsSafe(path: String) {
    #expect(ArchivePath.isSafe(path))
  }

  @Test(arguments: [
    "", "/", "/a", "a/", "a//b", ".", "..", "./a", "a/..", "../a", "a/../b", "a b", "a\tb", "a\\b", "a\u{7f}",
    "ü",
    "a\u{0}b", "a\nb",
  ])
  func whatMightLeaveItIsNot(path: String) {
    #expect(!ArchivePath.isSafe(path))
  }

  @Test func namesFollowTheirRules() {
    #expect(ArchivePath.isSafe(String(repeating: "a", count: 1024)))
    #expect(!ArchivePath.isSafe(String(repeating: "a", count: 1025)))
    #expect(["g++", "libc6", "x", "0ad", "lib.so-1"].allSatisfy(ArchivePath.isPackageName))
    #expect(
      !["", "-a", "+a", "A", "a_b", "a/b", "a b", "a\u{e4}"].contains(where: ArchivePath.isPackageName))
    #expect(["debian", "debian-security", "node_20.x"].allSatisfy(ArchivePath.isArchiveName))
    #expect(!["", "_a", ".a", "A", "a+b", "a/b"].contains(where: ArchivePath.isArchiveName))
  }
}

@Testing.Suite struct NearNamesTests {
  private let names = [
    "nftables", "iptables", "ebtables", "frr", "frr-doc", "libc6", "linux-image-cloud-amd64",
  ]

  @Test(arguments: [
    ("nftable", "nftables"), ("nftabels", "nftables"), ("xptables", "iptables"), ("fr", "frr"),
    ("libc", "libc6"),
    ("linux-image-cloud", "linux-image-cloud-amd64"),
  ])
  func theNearestIsFound(name: String, expected: String) {
    #expect(NearNames.nearest(to: name, among: names) == expected)
  }

  @Test func severalAreSortedAndFewAndNoneIsNone() {
    #expect(NearNames.nearest(to: "xxtables", among: names) == "ebtables, iptables, nftables")
    #expect(NearNames.nearest(to: "a", among: ["b", "c", "d", "e"]) == "b, c, d")
    #expect(NearNames.nearest(to: "systemd", among: names) == nil)
    #expect(NearNames.nearest(to: "", among: names) == nil)
    #expect(NearNames.nearest(to: String(repeating: "x", count: 1000), among: names) == nil)
    #expect(NearNames.nearest(to: "x", among: []) == nil)
  }
}

@Testing.Suite struct OpenPGPKeyringTests {
  private static let packets: [UInt8] = [0x98, 0x01, 0x02, 0x03]
  private static let armored = """
    -----BEGIN PGP PUBLIC KEY BLOCK-----
    Comment: a key

    mAEC
    Aw==
    =abcd
    -----END PGP PUBLIC KEY BLOCK-----

    """

  private func binary(_ bytes: [UInt8]) throws -> [UInt8] {
    try OpenPGPKeyring.binary(.repository(path: "keys/archive.asc", bytes: bytes))
  }

  @Test func bothFormsAreRead() throws {
    #expect(try binary(Self.packets) == Self.packets)
    #expect(try binary(Array(Self.armored.utf8)) == Self.packets)
    #expect(try binary(Array((Self.armored + Self.armored).utf8)) == Self.packets + Self.packets)
    #expect(try binary(Array(Self.armored.replacing("\n", with: "\r\n").utf8)) == Self.packets)
  }

  @Test func aKeyringOfTheHostIsReadFromItsFile() async throws {
    try await withScratchDirectory { directory in
      let file = directory.appendingPathComponent("keyring.gpg")
      try Data(Self.packets).write(to: file)
      #expect(try OpenPGPKeyring.binary(.host(path: file.path)) == Self.packets)
    }
  }

  @Test func otherFilesAreNoKeyring() {
    let broken = Self.armored.replacing("mAEC", with: "m*EC")
    let open = Self.armored.replacing("-----END PGP PUBLIC KEY BLOCK-----", with: "")
    let secret = Self.armored.replacing("PUBLIC", with: "PRIVATE")
    for text in ["", "hello", broken, open, secret] {
      let error = #expect(throws: ArchiveError.self) { try binary(Array(text.utf8)) }
      #expect(error?.code == .noVerifier)
      #expect(error?.description.contains("keys/archive.asc") == true)
    }
  }
}

@Testing.Suite struct SubprocessTests {
  @Test func outputStatusAndEnvironmentAreWhatTheyShouldBe() async throws {
    try await withScratchDirectory { directory in
      let result = try await Subprocess.run(
        "/bin/sh", ["-c", "echo out; echo err >&2; env | cut -d= -f1 | sort >&2; cat; exit 3"],
        scratch: directory.path)
      #expect(result.status == 3)
      #expect(String(decoding: result.output, as: UTF8.self) == "out\n")
      let names = String(decoding: result.errors, as: UTF8.self).split(separator: "\n")
      #expect(names.first == "err" && !names.contains("HOME") && names.contains("LC_ALL"))
    }
  }

  @Test func muchOutputIsCut() async throws {
    try await withScratchDirectory { directory in
      let result = try await Subprocess.run(
        "/bin/sh", ["-c", "head -c 300000 /dev/zero"], scratch: directory.path, limit: 1000)
      #expect(result.status == 0)
      #expect(result.output.count == 1000)
    }
  }

  @Test func aProgramThatHangsIsKilled() async throws {
    try await withScratchDirectory { directory in
      let error = await #expect(throws: ArchiveError.self) {
        try await Subprocess.run("/bin/sh", ["-c", "exec sleep 600"], scratch: directory.path, seconds: 0)
      }
      #expect(error?.code == .localStorage)
      let task = Task {
        try await Subprocess.run("/bin/sh", ["-c", "exec sleep 600"], scratch: directory.path)
      }
      task.cancel()
      let cancelled = await #expect(throws: ArchiveError.self) { try await task.value }
      #expect(cancelled?.code == .cancelled)
    }
  }

  @Test func aMissingProgramIsNamed() async throws {
    try await withScratchDirectory { directory in
      let error = await #expect(throws: ArchiveError.self) {
        try await Subprocess.run("/nowhere/gpgv", [], scratch: directory.path)
      }
      #expect(error?.description.contains("/nowhere/gpgv") == true)
    }
    #expect(Subprocess.find("sh", environment: ["PATH": "/nowhere:relative:/bin"]) == "/bin/sh")
    #expect(Subprocess.find("sh", environment: ["PATH": "bin:."]) == nil)
  }
}

@Testing.Suite struct JSONWriterTests {
  @Test func theFormIsCanonical() {
    let value = JSONWriter.Value.object([
      ("b", .array([])), ("a", .object([])), ("n", .number(-5)),
      ("list", .array([.string("x"), .object([("k", .strings(["v"]))])])),
    ])
    #expect(
      JSONWriter.text(value) == """
        {
          "b": [],
          "a": {},
          "n": -5,
          "list": [
            "x",
            {
              "k": [
                "v"
              ]
            }
          ]
        }

        """)
  }

  @Test func whatJSONEscapesIsEscapedAndReadsBack() throws {
    let odd = "\"\\\n\t\u{0}\u{1f}\u{7f}/é😀\r\n"
    let text = JSONWriter.text(.strings([odd]))
    #expect(text == "[\n  \"\\\"\\\\\\n\\t\\u0000\\u001f\\u007f/é😀\\u000d\\n\"\n]\n")
    #expect(try JSONDecoder().decode([String].self, from: Data(text.utf8)) == [odd])
  }
}
