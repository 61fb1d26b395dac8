@testable internal import Manifest

extension FuzzTarget {
  static let manifestTargets = [
    FuzzTarget("yaml", seeds: { ["image": image, "component": component, "scalars": scalars] }) { bytes in
      let document = try YAMLDocument.parse(bytes, file: "fuzz.yaml")
      require(!document.summary.isEmpty, "a node has a summary")
    },
    FuzzTarget("manifest", seeds: { ["image": image] }) { bytes in
      let tree = OneManifest(path: "manifests/fuzz.yaml", bytes: bytes)
      let image = try ManifestLoader(tree: tree).load(manifestPath: tree.path)
      let again = try ManifestLoader(tree: tree).load(manifestPath: tree.path)
      require(image.sourceDigest == again.sourceDigest, "loading is deterministic")
      require(!image.name.isEmpty, "an image has a name")
    },
    FuzzTarget("component", seeds: { ["component": component] }) { bytes in
      let tree = OneManifest(path: "images/base/component.yaml", bytes: bytes)
      _ = try ManifestLoader(tree: tree).load(manifestPath: "manifests/fuzz.yaml")
    },
  ]

  private static let image = Array(
    """
    apiVersion: netimg/v1
    kind: Image
    name: fuzz
    version: 1.2.0
    architecture: amd64
    suite: {name: trixie, keyring: /usr/share/keyrings/debian-archive-keyring.gpg}
    components: [base]
    packages:
      include: [systemd, frr=10.3-1]
      exclude: [{package: lsof, reason: "only by hand"}]
    kernel: {package: linux-image-cloud-amd64, modules: [virtio_net], commandLine: [console=ttyS0]}
    files: [{path: /etc/motd, content: "Welcome.\\n", mode: "0640"}]
    limits: {image: 160MiB, uki: 45MiB, file: 1048576}

    """.utf8)

  private static let component = Array(
    """
    apiVersion: netimg/v1
    kind: Component
    name: base
    description: |
      Two
      lines
    packages: {include: [udev]}
    directories: [{path: /etc/frr, mode: "0750"}]
    links: [{path: /etc/localtime, target: /usr/share/zoneinfo/UTC}]
    permissions: [{path: /usr/bin/mount, mode: "0755", reason: "nobody mounts"}]
    users: [{name: frr, uid: 101, groups: [vty], home: /nonexistent}]
    groups: [{name: vty}]
    units: {enable: [frr.service], mask: [apt-daily.timer]}
    sysctls: {net.ipv4.ip_forward: 1}
    drop: [{paths: ["/usr/share/man/**"], keep: ["/usr/share/doc/*/copyright"], reason: "nobody reads"}]
    scripts:
      - package: frr
        script: postinst
        sha256: [0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f]
        reason: "adds a group"
        replacement: {groups: [{name: frr}]}
    alternatives: [{name: editor, path: /usr/bin/vim}]
    exceptions: [{rule: setuid, path: /usr/bin/su, reason: "console"}]

    """.utf8)

  private static let scalars = Array(
    """
    %YAML 1.2
    ---
    a: 'it''s'
    "b\\u00e9\\x41": >-
      folded
      text
    c: [0o17, 0x1F, -12, 1.5e3, ~, true, !!str 5]
    d: {}
    ...

    """.utf8)
}

/// A repository with an image, a component, and one of them from the fuzzer.
private struct OneManifest: SourceTree {
  let path: String
  let bytes: [UInt8]

  private static let others = [
    "manifests/fuzz.yaml": """
    apiVersion: netimg/v1
    kind: Image
    name: fuzz
    architecture: amd64
    suite: {name: trixie, keyring: /keys.gpg}
    components: [base]
    kernel: {package: linux-image-cloud-amd64}

    """,
    "images/base/component.yaml": "apiVersion: netimg/v1\nkind: Component\nname: base\n",
  ]

  func file(at path: String) throws -> SourceFile? {
    if path == self.path { return SourceFile(bytes: bytes) }
    return Self.others[path].map { SourceFile(bytes: Array($0.utf8)) }
  }

  func list(_ directory: String) throws -> [SourceEntry] {
    switch directory {
    case "": ["images", "manifests"].map { SourceEntry(name: $0, kind: .directory) }
    case "images": [SourceEntry(name: "base", kind: .directory)]
    case "images/base": [SourceEntry(name: "component.yaml", kind: .file)]
    case "manifests": [SourceEntry(name: "fuzz.yaml", kind: .file)]
    default: []
    }
  }
}
