extension ManifestReference {
  /// A complete image manifest, which the reference shows.
  package static let imageSample = """
    apiVersion: netimg/v1
    kind: Image
    name: edge-router
    description: Router at the edge of a site
    version: 1.2.0
    architecture: amd64
    suite:
      name: trixie
      keyring: /usr/share/keyrings/debian-archive-keyring.gpg
    components: [frr]
    packages:
      exclude:
        - {package: lsof, reason: "only for debugging by hand"}
    kernel:
      package: linux-image-cloud-amd64
      modules: [virtio_net]
      commandLine: [console=ttyS0]
    links:
      - {path: /etc/localtime, target: /usr/share/zoneinfo/UTC}
    permissions:
      - path: /usr/bin/mount
        mode: "0755"
        reason: "nobody mounts by hand, so it needs no set-user-ID bit"
    drop:
      - paths: ["/usr/share/doc/**", "/usr/share/man/**"]
        keep: ["/usr/share/doc/*/copyright"]
        reason: "nobody reads them on a device"
    limits: {image: 160MiB, uki: 45MiB, file: 64MiB}

    """

  /// A complete component manifest, which the reference shows.
  package static let componentSample = """
    apiVersion: netimg/v1
    kind: Component
    name: frr
    description: Routing daemons
    packages:
      include: [systemd, frr]
    kernel:
      modules: [vxlan, vrf]
    files:
      - path: /etc/frr/frr.conf
        content: |
          log syslog informational
        mode: "0640"
        owner: frr
        group: frr
    users:
      - {name: frr, groups: [frrvty], home: /nonexistent, description: "Routing daemons"}
    groups:
      - name: frrvty
    units: {enable: [frr.service]}
    sysctls:
      net.ipv4.ip_forward: 1
      net.ipv6.conf.all.forwarding: 1

    """

  static let introduction = """
    # Manifests

    <!-- Generated from Sources/Manifest/Keys: change the keys there, and run the tests with
         NETIMG_REGENERATE=1 to write this file anew. -->

    A manifest is a YAML file that says what goes into an image. `netimg schema` prints a JSON Schema of this
    reference, with which an editor completes keys and marks mistakes. Keys in **bold** have to be there.

    An image names the components that it is made of:

    ```yaml
    \(imageSample)```

    A component is a folder of its own, `images/NAME`, with `component.yaml` in it:

    ```yaml
    \(componentSample)```

    - What lies in a component's folder `files` goes to the same path in the image, owned by root, with mode
      0755 if it is executable and 0644 if not; links stay links. An entry in `files` of `component.yaml`
      with the same path and content can state another owner or mode.
    - Components come in the order in which they are named, each after what it requires; the image comes
      last. Nothing overrides anything: equal declarations merge, and any others about the same thing are an
      error that names both places. Of equal kernel parameters the last one stays.
    - A package may be named without a version in one manifest and with one in another: the version holds.
    - YAML is read by its version 1.2: `yes`, `no`, `on` and `off` are strings, and 0644 is the number 644,
      so that a mode is written in quotes. Anchors, aliases, merge keys, duplicate keys, second documents
      and tags other than `!!str`, `!!int` and `!!bool` are refused, as is a file above 1 MiB.
    - Paths of files that a manifest names are relative to it, and stay within the repository, whose root is
      the nearest folder above the manifest that has a folder `images`. Symbolic links are not followed.

    """
}
