@testable internal import Bytes
@testable internal import DebianPackage

extension FuzzTarget {
  static let packageTargets = [
    FuzzTarget("deb", maximumLength: 16384, seeds: { ["small": HandMade.package(), "rich": richPackage] }) {
      bytes in
      try open(bytes)
    },
    FuzzTarget("tar", maximumLength: 16384, seeds: { ["small": HandMade.tar(), "rich": richData] }) { bytes in
      // The fuzzer cannot guess checksums: it gets those of all headers for nothing.
      try open(HandMade.package(data: withChecksums(bytes)))
    },
    FuzzTarget("control-tar", maximumLength: 8192, seeds: { ["control": richControl] }) { bytes in
      try open(
        HandMade.ar(
          HandMade.arMember("debian-binary", Array("2.0\n".utf8)),
          HandMade.arMember("control.tar", withChecksums(bytes)),
          HandMade.arMember("data.tar", HandMade.tar())))
    },
    FuzzTarget(
      "decompress",
      seeds: {
        [
          "none": [0] + Array("as it is".utf8), "gzip": [1] + gzip, "zstd": [3] + zstd,
        ]
      }
    ) { bytes in
      guard let choice = bytes.first else { return }
      let kind = Compression.allCases[Int(choice) % Compression.allCases.count]
      let limit = 1 << 20
      let output = try Decompressor.decompress(Array(bytes.dropFirst()), as: kind, limit: limit, name: "fuzz")
      require(output.count <= limit, "the limit holds")
    },
    FuzzTarget("script", seeds: { scripts }) { bytes in
      for name in ScriptName.allCases {
        for action in ScriptClassifier.classify(bytes, name: name).actions {
          require(ScriptAction(action.description) == action, "an action survives the lock")
        }
      }
    },
    FuzzTarget("triggers", seeds: { ["two": Array("activate-noawait ldconfig\ninterest /usr/lib\n".utf8)] }) {
      bytes in
      _ = try TriggerClassifier.classify(bytes, file: "fuzz")
    },
  ]

  private static func open(_ bytes: [UInt8]) throws {
    var limits = DebLimits()
    limits.totalSize = 16 << 20
    let deb = try DebFile(bytes: bytes, name: "fuzz.deb", limits: limits)
    var paths: Set<[UInt8]> = []
    for entry in try deb.entries(wanting: { path, _ in path.utf8.count % 2 == 0 }) {
      require(paths.insert(Array(entry.path.utf8)).inserted, "a path comes once")
      require(
        !entry.path.slashSeparated(omittingEmpty: false).contains { ["", ".."].contains($0) },
        "paths stay inside")
    }
    for (name, script) in deb.scripts { _ = ScriptClassifier.classify(script, name: name) }
  }

  private static func withChecksums(_ bytes: [UInt8]) -> [UInt8] {
    var bytes = bytes
    var start = 0
    while start + 512 <= bytes.count {
      if bytes[start..<start + 512].contains(where: { $0 != 0 }) {
        for index in start + 148..<start + 156 { bytes[index] = 0x20 }
        let sum = bytes[start..<start + 512].reduce(0) { $0 + Int($1) }
        bytes.replaceSubrange(start + 148..<start + 156, with: HandMade.octal(sum, 7) + [0x20])
      }
      // Content follows as the header says; a size that is none means that there is none.
      let digits = String(
        decoding: bytes[start + 124..<start + 135].prefix { $0 != 0 && $0 != 0x20 }, as: UTF8.self)
      let size = Int(digits, radix: 8) ?? 0
      start += 512 + (min(size, bytes.count) + 511) / 512 * 512
    }
    return bytes
  }

  private static let richData = HandMade.tar(
    HandMade.member("./", type: "5", mode: 0o755), HandMade.member("./usr/", type: "5", mode: 0o755),
    HandMade.member("./usr/a", content: Array("hello".utf8)),
    HandMade.member("./usr/b", type: "1", link: "./usr/a"),
    HandMade.member("./usr/c", type: "2", link: "../etc/a"),
    HandMade.long("L", Array("./usr/\(String(repeating: "n", count: 120))\0".utf8)),
    HandMade.member("./usr/n", mode: 0o4755))

  private static let richControl = HandMade.tar(
    HandMade.member("./control", content: HandMade.control),
    HandMade.member("./conffiles", content: Array("/etc/a\nremove-on-upgrade /etc/b\n".utf8)),
    HandMade.member("./postinst", content: Array("#!/bin/sh\nset -e\nldconfig\n".utf8), mode: 0o755),
    HandMade.member("./triggers", content: Array("activate ldconfig\n".utf8)),
    HandMade.member("./md5sums", content: Array("d41d8cd98f00b204e9800998ecf8427e  usr/a\n".utf8)))

  private static let richPackage = HandMade.ar(
    HandMade.arMember("debian-binary", Array("2.0\n".utf8)), HandMade.arMember("control.tar", richControl),
    HandMade.arMember("data.tar", richData))

  /// "netimg\n" by `gzip -n` and by `zstd`.
  private static let gzip: [UInt8] = [
    0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0xff, 0xcb, 0x4b, 0x2d, 0xc9, 0xcc, 0x4d, 0xe7,
    0x02, 0x00, 0xa4, 0xc4, 0xc6, 0xde, 0x07, 0x00, 0x00, 0x00,
  ]
  private static let zstd: [UInt8] = [
    0x28, 0xb5, 0x2f, 0xfd, 0x04, 0x58, 0x39, 0x00, 0x00, 0x6e, 0x65, 0x74, 0x69, 0x6d, 0x67, 0x0a, 0xc9,
    0xe1, 0xb9, 0xc1,
  ]

  private static let scripts: [String: [UInt8]] = [
    "postinst": Array(
      """
      #!/bin/sh
      set -e
      if [ "$1" = "configure" ] && [ -z "${2:-}" ]; then
        ldconfig
        systemd-sysusers ${DPKG_ROOT:+--root="$DPKG_ROOT"} a.conf
      fi
      case "$1" in
        configure|triggered) update-alternatives --install /usr/bin/a a /usr/bin/b 10 --slave /c c /d ;;
        *) exit 0 ;;
      esac
      for f in a b; do test -x "/usr/$f" || true; done
      exit 0

      """.utf8),
    "deb-systemd": Array(
      """
      #!/bin/sh
      # Automatically added by dh_installsystemd
      if [ "$1" = "configure" ] || [ "$1" = "abort-upgrade" ]; then
        if deb-systemd-helper --quiet was-enabled 'a.service'; then
          deb-systemd-helper enable 'a.service' >/dev/null || true
        fi
        if [ -d /run/systemd/system ]; then systemctl --system daemon-reload >/dev/null || true; fi
      fi
      x=`echo $(( 1 + 2 ))`; func() { return 1; }
      cat <<EOF
      text
      EOF

      """.utf8),
  ]
}
