@testable internal import DebianArchive
@testable internal import DebianPackage

extension FuzzTarget {
  static let archiveTargets = [
    FuzzTarget(
      "control", seeds: { ["package": packages, "comment": Array("# a\nA: b\n c\n .\n\tD:\n".utf8)] }
    ) {
      bytes in
      for paragraph in try ControlParagraph.parse(bytes, file: "fuzz") {
        for field in paragraph.fields {
          require(paragraph[field.name] != nil, "a field is found by its name")
        }
      }
    },
    FuzzTarget(
      "version", maximumLength: 300,
      seeds: { ["two": Array("1:2.0~rc1-3+b1\n1:2.0-3".utf8), "epochs": Array("0:1\n1".utf8)] }
    ) { bytes in
      let versions = try bytes.split(separator: 0x0A, maxSplits: 2, omittingEmptySubsequences: false)
        .map { try DebianVersion(String(decoding: $0, as: UTF8.self)) }
      for left in versions {
        require(left == left, "a version equals itself")
        for right in versions {
          require(
            [left < right, right < left, left == right].filter { $0 }.count == 1, "versions are ordered")
          for third in versions where left < right && right < third {
            require(left < third, "the order is transitive")
          }
        }
      }
    },
    FuzzTarget("release", maximumLength: 8192, seeds: { ["plain": release, "signed": inRelease] }) { bytes in
      let isSigned = bytes.starts(with: "-----".utf8)
      let text = isSigned ? try ClearSigned(bytes, file: "fuzz").text : bytes
      let release = try ReleaseFile(text, file: "fuzz")
      require(ReleaseDate(timestamp: release.date.description) == release.date, "a date survives the lock")
    },
    FuzzTarget("verdict", seeds: { ["good": status] }) { bytes in
      _ = SignatureVerdict(gpgvStatus: String(decoding: bytes, as: UTF8.self))
    },
    FuzzTarget("packages", maximumLength: 8192, seeds: { ["index": packages] }) { bytes in
      let index = PackageIndex(archive: "debian", name: "fuzz", text: bytes)
      var request = SolverRequest(
        architecture: "amd64",
        wanted: [.init(name: "systemd", origin: "fuzz"), .init(name: "b", version: "1", origin: "fuzz")])
      request.buildOnly = [.init(name: "stub", origin: "fuzz")]
      request.excluded = ["lsof"]
      let solution = try PackageSolver.solve(request, over: [index])
      require(solution.packages.contains { $0.name == "systemd" }, "what was asked for is in the solution")
    },
    FuzzTarget("lock", maximumLength: 8192, seeds: { ["lock": lock] }) { bytes in
      let lock = try LockFile(decoding: bytes, file: "fuzz.lock.json")
      let encoded = lock.encoded()
      let again = try LockFile(decoding: encoded, file: "fuzz.lock.json")
      require(again.encoded() == encoded, "a lock file is encoded in one way")
    },
    FuzzTarget("sources", seeds: { ["list": aptList, "deb822": aptSources] }) { bytes in
      let mirrors =
        MirrorConfiguration.parseAptList(String(decoding: bytes, as: UTF8.self), name: "fuzz")
        + MirrorConfiguration.parseAptSources(bytes, name: "fuzz")
      for mirror in mirrors { require(!mirror.archive.isEmpty, "a mirror is of an archive") }
      _ = try? MirrorConfiguration.parse(String(decoding: bytes, as: UTF8.self), origin: "fuzz")
    },
  ]

  private static let digest = String(repeating: "0f", count: 32)

  private static let packages = Array(
    """
    Package: systemd
    Source: systemd (257.1)
    Version: 257.1-1
    Architecture: amd64
    Pre-Depends: libc6 (>= 2.41) | b
    Depends: b (= 1), c:any, lsof
    Provides: init (= 1)
    Conflicts: stub (<< 1)
    Description: a
     b
     .
    Filename: pool/s/systemd.deb
    Size: 12
    SHA256: \(digest)

    Package: b
    Version: 1
    Architecture: all
    Multi-Arch: allowed
    Provides: c, libc6 (= 3)
    Filename: pool/b/b.deb
    Size: 1
    SHA256: \(digest)

    Package: lsof
    Version: 1
    Architecture: amd64
    Filename: pool/l/lsof.deb
    Size: 1
    SHA256: \(digest)

    Package: stub
    Version: 1
    Architecture: amd64
    Filename: pool/s/stub.deb
    Size: 1
    SHA256: \(digest)

    """.utf8)

  private static let release = Array(releaseText.utf8)

  private static let releaseText = """
    Origin: Debian
    Suite: stable
    Codename: trixie
    Version: 13.1
    Date: Sat, 06 Sep 2025 08:14:24 UTC
    Valid-Until: Sat, 13 Sep 2025 08:14:24 UTC
    Acquire-By-Hash: yes
    Architectures: all amd64
    Components: main
    SHA256:
     \(digest)      123 main/binary-amd64/Packages.xz
     \(digest)     4567 main/binary-amd64/Packages

    """

  private static let inRelease = Array(
    """
    -----BEGIN PGP SIGNED MESSAGE-----
    Hash: SHA256

    \(releaseText)    -----BEGIN PGP SIGNATURE-----

    iQ==
    -----END PGP SIGNATURE-----

    """.utf8)

  private static let status = Array(
    """
    [GNUPG:] NEWSIG
    [GNUPG:] GOODSIG 0123456789ABCDEF Name <a@b>
    [GNUPG:] VALIDSIG \(String(repeating: "A", count: 40)) 2025-09-06 1757146464 0 4 0 1 8 00 \
    \(String(repeating: "A", count: 40))
    [GNUPG:] EXPKEYSIG 0123456789ABCDEF Name
    [GNUPG:] ERRSIG 0123456789ABCDEF 1 8 00 1757146464 9

    """.utf8)

  private static let lock = Array(
    """
    {
      "formatVersion": 1, "image": "minimal", "architecture": "amd64", "inputs": "\(digest)",
      "archives": [{
        "archive": "debian", "suite": "trixie", "codename": "trixie", "version": "13.1",
        "date": "2025-09-06T08:14:24Z", "sha256": "\(digest)"
      }],
      "packages": [{
        "name": "systemd", "version": "257.1-1", "architecture": "amd64", "archive": "debian",
        "path": "pool/s/systemd.deb", "size": 12, "sha256": "\(digest)", "source": "systemd", "role": "image",
        "why": ["component base asks for systemd"],
        "scripts": [{"name": "postinst", "sha256": "\(digest)", "class": "known", "actions": ["ldconfig"]}],
        "triggers": [{"text": "activate-noawait ldconfig", "class": "known"}]
      }]
    }

    """.utf8)

  private static let aptList = Array(
    "# a\ndeb [arch=amd64 signed-by=/k] http://mirror.example/debian trixie main\ndeb-src file:/srv/debian x y\n"
      .utf8)

  private static let aptSources = Array(
    "Types: deb deb-src\nURIs: https://mirror.example/debian-security\nSuites: trixie\nEnabled: yes\n".utf8)
}
