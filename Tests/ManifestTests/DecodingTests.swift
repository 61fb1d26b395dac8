import Manifest
import Testing

@Suite struct DecodingTests {
  /// Each manifest's line 9 and what follows, and the whole report.
  @Test(arguments: [
    ("kernal: {}", ["9:1: Image has no key kernal; did you mean kernel?"]),
    ("requires: [b]", ["9:1: Image has no key requires; it belongs to kind: Component"]),
    (
      "zzzzzzzzz: 1",
      [
        "9:1: Image has no key zzzzzzzzz; its keys are apiVersion, kind, name, description, version, "
          + "architecture, suite, components, packages, kernel, files, directories, links, permissions, "
          + "users, groups, units, sysctls, drop, scripts, alternatives, exceptions, limits"
      ]
    ),
    ("files: {path: /a}", ["9:8: files takes a sequence, not a mapping"]),
    ("files:", ["9:7: files takes a sequence, not nothing; write a value or remove the key"]),
    ("packages: [systemd]", ["9:11: packages takes a mapping with the keys of Packages, not a sequence"]),
    ("version: 1.2", ["9:10: version takes a version, not the number 1.2; write it in quotes: \"1.2\""]),
    (
      "description: true",
      ["9:14: description takes a string, not the boolean true; write it in quotes: \"true\""]
    ),
    (
      "directories: [{path: /a, mode: 0755}]",
      ["9:32: mode takes a file mode, not the integer 0755; write it in quotes: \"0755\""]
    ),
    (
      "directories: [{path: /a, mode: \"0789\"}]",
      ["9:32: mode takes a file mode, not \"0789\"; use four octal digits in quotes"]
    ),
    (
      "links: [{path: etc/x, target: y}]",
      [
        "9:16: path takes an absolute path, not \"etc/x\"; use / and components without ., .. and control "
          + "characters, no / at the end"
      ]
    ),
    (
      "files: [{path: /a}]", ["9:9: File needs content or source"]
    ),
    (
      "files: [{path: /a, content: x, source: y}]",
      ["9:32: File takes content or source, not both; remove one of the two"]
    ),
    (
      "files: [{content: x}]", ["9:9: File needs the key path; add path: /etc/motd"]
    ),
    (
      "permissions: [{path: /a, reason: x}]",
      ["9:15: Permission needs at least one of mode, owner, group, capabilities"]
    ),
    (
      "permissions: [{path: /a, reason: x, capabilities: [cap_net_rew]}]",
      ["9:52: capabilities cannot be \"cap_net_rew\"; did you mean cap_net_raw?"]
    ),
    (
      "packages: {exclude: [{package: lsof, reason: \" \"}]}",
      ["9:46: reason takes a reason, not \" \"; use a sentence for the next person who reads this"]
    ),
    (
      "packages: {exclude: [{package: lsof}]}",
      ["9:22: Exclusion needs the key reason; add reason: \"only for debugging by hand\""]
    ),
    (
      "users: [{name: a, uid: 65535}]",
      ["9:24: uid takes a number, not the integer 65535; use one from 0 to 4294967294 that is not 65535"]
    ),
    (
      "users: [{name: a, uid: 99999999999999999999}]",
      [
        "9:24: uid takes a number, not the integer 99999999999999999999; use one from 0 to 4294967294 that "
          + "is not 65535"
      ]
    ),
    ("users: [{name: a, uid: \"5\"}]", ["9:24: uid takes a number, not \"5\""]),
    (
      "limits: {image: 160MB}",
      ["9:17: image takes a size, not \"160MB\"; use a number with B, KiB, MiB or GiB, such as 160MiB"]
    ),
    (
      "limits: {image: -1}",
      ["9:17: image takes a size, not the integer -1; use a number with B, KiB, MiB or GiB, such as 160MiB"]
    ),
    ("sysctls: {\"a b\": 1}", ["9:11: \"a b\" is not a sysctl name; use letters, digits, ., /, _, * and -"]),
    ("sysctls: {a: [1]}", ["9:14: a takes a sysctl value, not a sequence"]),
    (
      "drop: [{paths: [/a**], reason: x}]",
      [
        "9:17: paths takes a path pattern, not \"/a**\"; use an absolute path with *, ? and the component **"
      ]
    ),
    ("drop: [{paths: [], reason: x}]", ["9:16: paths takes at least one item; add one or remove the key"]),
    (
      "units: {enable: [frr]}",
      ["9:18: enable takes a unit, not \"frr\"; use a unit's full name with its type, such as frr.service"]
    ),
    (
      "scripts: [{package: aa, script: postint, sha256: [0], reason: x}]",
      [
        "9:33: script cannot be \"postint\"; did you mean postinst?",
        "9:51: sha256 takes a SHA-256 digest, not the integer 0; write it in quotes: \"0\"",
      ]
    ),
    (
      "files:\n  - {path: /a, source: ../../x}",
      [
        "10:24: ../../x leads out of the repository; copy the file into the repository and name it relative "
          + "to this manifest"
      ]
    ),
    (
      "files:\n  - {path: /a, source: b.yaml}",
      ["10:24: there is no file manifests/b.yaml; did you mean manifests/a.yaml?"]
    ),
  ])
  func reportsExactly(more: String, expected: [String]) async throws {
    #expect(
      try await problems(["manifests/a.yaml": image(more)]) == expected.map { "manifests/a.yaml:\($0)" })
  }

  @Test func reportsEverythingInOrder() async throws {
    let text = """
      apiVersion: netimg/v2
      kind: Image
      name: A
      architecture: x86
      suite: {name: trixie}
      kernel: {package: l}
      users: [{name: Root}, {nam: x}]
      """
    #expect(
      try await problems(["manifests/a.yaml": text]) == [
        "manifests/a.yaml:1:13: apiVersion cannot be \"netimg/v2\"; did you mean netimg/v1?",
        "manifests/a.yaml:3:7: name takes a name, not \"A\"; use lower-case letters, digits and -, at most "
          + "63, first a letter or a digit",
        "manifests/a.yaml:4:15: architecture cannot be \"x86\"; use amd64, arm64",
        "manifests/a.yaml:5:8: Suite needs the key keyring; add keyring: "
          + "/usr/share/keyrings/debian-archive-keyring.gpg",
        "manifests/a.yaml:6:19: package takes a package name, not \"l\"; use at least two lower-case "
          + "letters, digits, +, . and -",
        "manifests/a.yaml:7:16: name takes a user or group name, not \"Root\"; use lower-case letters, "
          + "digits, _ and -, at most 31, first a letter or _",
        "manifests/a.yaml:7:23: User needs the key name; add name: frr",
        "manifests/a.yaml:7:24: User has no key nam; did you mean name?",
      ])
  }

  @Test func aFileOfMistakesHasAReportOfBoundedLength() async throws {
    let keys = (0..<20_000).map { "k\($0): 1" }.joined(separator: "\n")
    let report = try await problems(["manifests/a.yaml": image(keys)])
    #expect(report.count == 100)
    #expect(report.first?.hasPrefix("manifests/a.yaml:9:1: Image has no key k0; ") == true)
  }

  @Test func aRootThatIsNoMappingIsReported() async throws {
    #expect(
      try await problems(["manifests/a.yaml": "- a\n"]) == [
        "manifests/a.yaml:1:1: this takes a mapping with the keys of Image, not a sequence"
      ])
  }

  @Test func placesHoldWithCRLFAndLettersBeyondASCII() async throws {
    let text = image("description: größe\r\nfiles: [{path: /ä€, mode: \"9\"}]").replacing("\n", with: "\r\n")
      .replacing("\r\r\n", with: "\r\n")
    #expect(
      try await problems(["manifests/a.yaml": text]) == [
        "manifests/a.yaml:10:9: File needs content or source",
        "manifests/a.yaml:10:27: mode takes a file mode, not \"9\"; use four octal digits in quotes",
      ])
  }
}
