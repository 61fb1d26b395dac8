import Foundation
import Manifest
import Testing

@Suite struct ComponentTests {
  @Test func dependenciesComeFirst() async throws {
    let files = [
      "manifests/a.yaml": image("packages: {include: [p-image]}", components: "[x, y]"),
      "images/x/component.yaml": component("x", "requires: [z]\npackages: {include: [p-x]}"),
      "images/y/component.yaml": component("y", "requires: [z, w]\npackages: {include: [p-y, p-x]}"),
      "images/z/component.yaml": component("z", "packages: {include: [p-z]}"),
      "images/w/component.yaml": component("w", "requires: [z]"),
    ]
    try await withRepository(files) { tree throws in
      let image = try ManifestLoader(tree: tree).load(manifestPath: "manifests/a.yaml")
      #expect(image.components == ["z", "x", "w", "y"])
      #expect(image.declarations.includedPackages.map(\.name) == ["p-z", "p-x", "p-y", "p-image"])
      #expect(
        image.declarations.includedPackages.map(\.origin.description) == [
          "component z", "component x", "component y", "image a",
        ])
      #expect(image.declarations.includedPackages[1].location.description == "images/x/component.yaml:5:22")
    }
  }

  @Test func aCycleIsShownWithItsPlaces() async throws {
    let files = [
      "manifests/a.yaml": image(components: "[x]"),
      "images/x/component.yaml": component("x", "requires: [y]"),
      "images/y/component.yaml": component("y", "requires: [z]"),
      "images/z/component.yaml": component("z", "requires: [y]"),
    ]
    #expect(
      try await problems(files) == [
        "images/z/component.yaml:4:12: components require each other: y (images/x/component.yaml:4:12) "
          + "requires z (images/y/component.yaml:4:12) requires y (images/z/component.yaml:4:12); remove one "
          + "of the requirements"
      ])
  }

  @Test func aComponentThatRequiresItselfIsACycle() async throws {
    let files = [
      "manifests/a.yaml": image(components: "[x]"),
      "images/x/component.yaml": component("x", "requires: [x]"),
    ]
    #expect(try await problems(files).first?.contains("components require each other: x (") == true)
  }

  @Test func aMissingComponentHasNeighbours() async throws {
    let files = [
      "manifests/a.yaml": image(components: "[bse, zzzz]"),
      "images/base/component.yaml": component("base"),
    ]
    #expect(
      try await problems(files) == [
        "manifests/a.yaml:6:14: there is no component bse: images/bse/component.yaml is missing; did you "
          + "mean base?",
        "manifests/a.yaml:6:19: there is no component zzzz: images/zzzz/component.yaml is missing",
      ])
  }

  @Test func theNameIsThatOfTheFolder() async throws {
    let files = [
      "manifests/a.yaml": image(components: "[x]"), "images/x/component.yaml": component("y"),
    ]
    #expect(
      try await problems(files) == [
        "images/x/component.yaml:3:7: the component is named y, but its folder x; give both the same name"
      ])
  }

  @Test func problemsOfAllFilesAreReportedTogether() async throws {
    let files = [
      "manifests/a.yaml": image("bogus: 1", components: "[x, y]"),
      "images/x/component.yaml": component("x", "users: 5"),
      "images/y/component.yaml": component("y", "limits: {}"),
    ]
    #expect(
      try await problems(files).map { $0.split(separator: " ", maxSplits: 1).first ?? "" } == [
        "images/x/component.yaml:4:8:", "images/y/component.yaml:4:1:", "manifests/a.yaml:9:1:",
      ])
  }

  @Test func filesGoToTheirPaths() async throws {
    let files = [
      "manifests/a.yaml": image(components: "[x]"),
      "images/x/component.yaml": component(
        "x",
        """
        files:
          - {path: /etc/frr/frr.conf, source: files/etc/frr/frr.conf, mode: "0640", owner: frr, group: frr}
        """),
      "images/x/files/etc/frr/frr.conf": "log syslog\n",
      "images/x/files/etc/motd": "hi\n",
      "images/x/files/usr/bin/tool": "#!\n",
      "images/x/files/etc/localtime": "-> /usr/share/zoneinfo/UTC",
      "images/x/files/etc/dir": "-> frr",
    ]
    try await withRepository(files) { tree throws in
      let tool = tree.root + "/images/x/files/usr/bin/tool"
      try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: tool)
      let image = try ManifestLoader(tree: tree).load(manifestPath: "manifests/a.yaml")
      #expect(
        image.declarations.files.map(\.value) == [
          FileEntry(
            path: "/etc/frr/frr.conf", bytes: Array("log syslog\n".utf8), mode: 0o640, owner: "frr",
            group: "frr"),
          FileEntry(path: "/etc/motd", bytes: Array("hi\n".utf8)),
          FileEntry(path: "/usr/bin/tool", bytes: Array("#!\n".utf8), mode: 0o755),
        ])
      #expect(
        image.declarations.links.map(\.value) == [
          LinkEntry(path: "/etc/dir", target: "frr"),
          LinkEntry(path: "/etc/localtime", target: "/usr/share/zoneinfo/UTC"),
        ])
      #expect(image.declarations.files[1].location.description == "images/x/files/etc/motd:1:1")
      #expect(
        image.sources == [
          "images/x/component.yaml", "images/x/files/etc/dir", "images/x/files/etc/frr/frr.conf",
          "images/x/files/etc/localtime", "images/x/files/etc/motd", "images/x/files/usr/bin/tool",
          "manifests/a.yaml",
        ])
    }
  }

  @Test func aFileNameThatIsNoPathIsReported() async throws {
    let files = [
      "manifests/a.yaml": image(components: "[x]"), "images/x/component.yaml": component("x"),
      "images/x/files/a\nb": "",
    ]
    #expect(try await problems(files).first?.contains("the name of this file cannot be a path") == true)
  }
}
