import Bytes
import Manifest
import Testing

@Suite struct LoadingTests {
  @Test func readsEverythingThatAnImageDeclares() async throws {
    let text = """
      apiVersion: netimg/v1
      kind: Image
      name: full
      description: All of it
      version: 1.2.0
      architecture: arm64
      suite:
        name: trixie
        keyring: ../keys/k.gpg
        sources: [{archive: debian, suite: sid, sections: [main, contrib]}]
      packages:
        include: [systemd, frr=10.3-1]
        exclude: [{package: lsof, reason: " by hand "}]
      kernel:
        package: linux-image-arm64
        stub: my-stub
        modules: [virtio-net]
        commandLine: [console=ttyS0, quiet]
      files:
        - {path: /etc/a, content: "x\\n", mode: "0640", owner: frr, group: adm}
        - {path: /etc/b, source: data/b}
      directories: [{path: /var/lib/a}]
      links: [{path: /etc/localtime, target: /usr/share/zoneinfo/UTC}]
      permissions: [{path: /bin/p, capabilities: [cap_net_raw, cap_net_admin, cap_net_raw], reason: r}]
      users: [{name: u, uid: 7, group: g, groups: [h], home: /h, shell: /bin/sh, description: d}, {name: v}]
      groups: [{name: g, gid: 8}]
      units: {enable: [a.service], mask: [b.timer]}
      sysctls: {net.ipv4.ip_forward: 1, kernel.core_pattern: "|/bin/false"}
      drop: [{paths: ["/usr/share/doc/**"], reason: r}]
      scripts:
        - package: libc6
          script: postinst
          sha256: [\(String(repeating: "ab", count: 32))]
          reason: r
          replacement: {groups: [{name: x}]}
      alternatives: [{name: editor, path: /bin/e}]
      limits: {image: 160MiB, uki: 1024}
      exceptions: [{rule: setuid, path: /bin/su, reason: r}]
      """
    let files = ["manifests/full.yaml": text, "keys/k.gpg": "KEY", "manifests/data/b": "bytes"]
    try await withRepository(files) { tree throws in
      let image = try ManifestLoader(tree: tree).load(manifestPath: "manifests/full.yaml")
      #expect(image.name == "full")
      #expect(image.description == "All of it")
      #expect(image.version?.value == "1.2.0")
      #expect(image.architecture.value == .arm64)
      #expect(image.architecture.location.description == "manifests/full.yaml:6:15")
      #expect(
        image.suite.value
          == Suite(
            name: "trixie", keyring: .repository(path: "keys/k.gpg", bytes: Array("KEY".utf8)),
            sources: [SuiteSource(archive: "debian", suite: "sid", sections: ["main", "contrib"])]))
      #expect(image.kernelPackage.value == "linux-image-arm64")
      #expect(image.stubPackage.value == "my-stub")
      #expect(image.limits.image?.value == 160 << 20)
      #expect(image.limits.uki?.value == 1024)
      #expect(image.limits.file == nil)
      let all = image.declarations
      #expect(
        all.includedPackages.map(\.value) == [
          PackageRequest(name: "systemd"), PackageRequest(name: "frr", version: "10.3-1"),
        ])
      #expect(all.excludedPackages.map(\.value) == [PackageExclusion(package: "lsof", reason: "by hand")])
      #expect(all.modules.map(\.value) == ["virtio_net"])
      #expect(all.commandLine.map(\.value) == ["console=ttyS0", "quiet"])
      #expect(
        all.files.map(\.value) == [
          FileEntry(path: "/etc/a", bytes: Array("x\n".utf8), mode: 0o640, owner: "frr", group: "adm"),
          FileEntry(path: "/etc/b", bytes: Array("bytes".utf8)),
        ])
      #expect(all.directories.map(\.value) == [DirectoryEntry(path: "/var/lib/a")])
      #expect(
        all.links.map(\.value) == [LinkEntry(path: "/etc/localtime", target: "/usr/share/zoneinfo/UTC")])
      #expect(all.permissions.first?.capabilities == ["cap_net_admin", "cap_net_raw"])
      #expect(all.permissions.first?.mode == nil)
      #expect(
        all.users.map(\.value) == [
          UserEntry(
            name: "u", uid: 7, group: "g", groups: ["h"], home: "/h", shell: "/bin/sh", description: "d"),
          UserEntry(name: "v"),
        ])
      #expect(all.groups.map(\.value) == [GroupEntry(name: "g", gid: 8)])
      #expect(all.enabledUnits.map(\.value) == ["a.service"])
      #expect(all.maskedUnits.map(\.value) == ["b.timer"])
      #expect(
        all.sysctls.map(\.value) == [
          Sysctl(name: "net.ipv4.ip_forward", value: "1"),
          Sysctl(name: "kernel.core_pattern", value: "|/bin/false"),
        ])
      #expect(all.drops.first?.paths.map(\.pattern) == ["/usr/share/doc/**"])
      #expect(all.scripts.first?.script == .postinst)
      #expect(all.scripts.first?.digests.map(\.hex) == [String(repeating: "ab", count: 32)])
      #expect(all.scripts.first?.replacement.groups.map(\.value) == [GroupEntry(name: "x")])
      #expect(all.scripts.first?.replacement.isEmpty == false)
      #expect(all.alternatives.map(\.value) == [AlternativeChoice(name: "editor", path: "/bin/e")])
      #expect(all.exceptions.map(\.value) == [RuleException(rule: "setuid", path: "/bin/su", reason: "r")])
      #expect(all.users.first?.origin.description == "image full")
      #expect(image.sources == ["keys/k.gpg", "manifests/data/b", "manifests/full.yaml"])
    }
  }

  @Test func whatIsMissingHasItsDefault() async throws {
    try await withRepository(["manifests/a.yaml": image()]) { tree throws in
      let image = try ManifestLoader(tree: tree).load(manifestPath: "manifests/a.yaml")
      #expect(image.stubPackage.value == "systemd-boot-efi")
      #expect(image.version == nil)
      #expect(image.suite.keyring == .host(path: "/k.gpg"))
      #expect(
        image.suite.sources.map { "\($0.archive) \($0.suite) \($0.sections)" } == [
          #"debian trixie ["main"]"#, #"debian trixie-updates ["main"]"#,
          #"debian-security trixie-security ["main"]"#,
        ])
      #expect(image.declarations == Declarations())
    }
  }

  @Test func aManifestSaysWhatKindItIs() async throws {
    let files = ["a.yaml": image(), "b.yaml": component("b"), "c.yaml": "kind: Imgae\n", "d.yaml": "a: 1\n"]
    try await withRepository(files) { tree throws in
      let loader = ManifestLoader(tree: tree)
      #expect(try loader.kind(ofManifest: "a.yaml") == .image)
      #expect(try loader.kind(ofManifest: "b.yaml") == .component)
      #expect(throws: ManifestError.self) { try loader.kind(ofManifest: "c.yaml") }
      let error = #expect(throws: ManifestError.self) { try loader.kind(ofManifest: "c.yaml") }
      #expect(error?.description == "c.yaml:1:7: kind cannot be \"Imgae\"; did you mean Image?")
      #expect(codes { try loader.kind(ofManifest: "d.yaml") } == [.missingKey])
      #expect(codes { try loader.kind(ofManifest: "e.yaml") } == [.notFound])
    }
  }

  @Test func theWrongKindIsRefused() async throws {
    #expect(
      try await problems(["manifests/a.yaml": component("a")]) == [
        "manifests/a.yaml:2:7: this is a manifest of kind Component, where one of kind Image belongs; name "
          + "one of kind Image"
      ])
    let files = ["manifests/a.yaml": image(components: "[b]"), "images/b/component.yaml": image()]
    #expect(
      try await problems(files) == [
        "images/b/component.yaml:2:7: this is a manifest of kind Image, where one of kind Component belongs; "
          + "name one of kind Component"
      ])
  }

  @Test func aMissingManifestIsSaidToBeMissing() async throws {
    #expect(
      try await problems([:]) == [
        "manifests/a.yaml:1:1: there is no such file; check the path of the manifest"
      ])
  }
}
