import FoundationEssentials
import Testing

@testable import Manifest

/// A form, what it takes and what it refuses.
private struct Sample: Sendable, CustomTestStringConvertible {
  let format: TextFormat
  let accepted: [String]
  let refused: [String]

  init(_ format: TextFormat, _ accepted: [String], _ refused: [String]) {
    self.format = format
    self.accepted = accepted
    self.refused = refused
  }

  var testDescription: String { format.label }
}

private let long = String(repeating: "a", count: 300)

private let samples = [
  Sample(
    .name, ["a", "edge-router", "0a", String(long.prefix(63))],
    ["", "-a", "A", "a_b", "a.b", "ä", String(long.prefix(64)), "a\n"]),
  Sample(
    .packageName, ["gcc", "g++", "libc6", "0ad", "a.b-c+d"], ["", "a", "-a", "Gcc", "a_b", "a=1", "a b"]),
  Sample(
    .packageRequest, ["frr", "frr=10.3-1", "bind9=1:9.20.4-3~deb13u1", "a1=0"],
    ["", "frr=", "frr=v1", "=1", "frr=1=2", "frr =1", "frr=1 2", "f"]),
  Sample(
    .version, ["1", "1.2.0", "2024a+b~c_d-e"], ["", ".1", "-1", "1 2", "1/2", String(long.prefix(65))]),
  Sample(
    .archivePart, ["main", "trixie-updates", "non-free_firmware.x", "A1"], ["", ".", "..", "-a", "a/b"]),
  Sample(.module, ["vxlan", "virtio-net", "xt_TCPMSS", "8021q"], ["", "a.ko", "a b", "../a"]),
  Sample(
    .kernelParameter, ["quiet", "console=ttyS0,115200n8", "a.b=\"c\""],
    ["", "a b", "a\tb", "ä", "a\n", "\u{7F}"]),
  Sample(
    .account, ["root", "_apt", "systemd-network", "a1"], ["", "1a", "-a", "Root", "a b", "a:b", "a.b"]),
  Sample(
    .sysctl, ["net.ipv4.ip_forward", "net/ipv4/conf/eth0.1/x", "net.ipv4.conf.*.x"], ["", "a b", "a=b", "-ä"]),
  Sample(
    .digest, [String(repeating: "0f", count: 32)],
    [
      "", "0f", String(repeating: "0F", count: 32), String(repeating: "0g", count: 32),
      String(repeating: "0", count: 65),
    ]
  ),
  Sample(.mode, ["0644", "7777", "0000"], ["", "644", "00644", "0648", "u+x", "0o64"]),
  Sample(.alternative, ["editor", "x-www-browser", "c++", "awk.1"], ["", "a/b", "a b"]),
  Sample(.rule, ["setuid", "secret-scan"], ["", "Setuid", "1a", "a_b", "a b"]),
  Sample(
    .unit,
    ["frr.service", "getty@tty1.service", "dev-disk-by\\x2dlabel-x.device", "a.b.timer", "x.target"],
    ["", "frr", ".service", "frr.services", "frr.service ", "a/b.service", "frr.Service", "frr.service\n"]),
  Sample(.line, ["", "Größe: 5"], ["a\nb", "\u{1B}[0m", "\t"]),
  Sample(.comment, ["", "Routing daemons", "ä"], ["a:b", "a\nb"]),
  Sample(.reason, ["because", " x ", "a\nb"], ["", " ", "\n\t"]),
  Sample(.sysctlValue, ["1", "4096 87380 6291456", "|/bin/false"], ["", "1\n2"]),
  Sample(
    .byteCount, ["1B", "160MiB", "1GiB", "9KiB"],
    ["", "1", "0MiB", "MiB", "1 MiB", "1MB", "01MiB", "1.5GiB", "-1B"]),
  Sample(
    .path, ["/a", "/etc/frr/frr.conf", "/a b/ä", "/.x", "/...", "/..a", "/[", "/a*"],
    [
      "", "/", "a", "/a/", "//a", "/a//b", "/.", "/..", "/a/./b", "/a/../b", "/a/..", "/a\nb", "/\u{0}",
      "/" + long,
    ]),
  Sample(.pathOrRoot, ["/", "/a"], ["", "//", "/a/", "a"]),
  Sample(
    .glob, ["/usr/share/doc/**", "/**/x", "/a*b?c", "/**/*.md", "/a", "/**"],
    ["", "**", "/a**", "/**a", "/a/", "a/*", "/a/../b", "/a//b", "/***", "/x/a**b/c"]),
  Sample(.linkTarget, ["../x", "/a", "a//b/", "."], ["", "a\nb", "\u{0}"]),
  Sample(.sourcePath, ["files/x", "../a", "ä b"], ["", "/a", "a\nb"]),
  Sample(.keyringPath, ["/a/b.gpg", "k.gpg", "../k"], ["", "a\u{0}"]),
  Sample(.any, ["", "x\ny", "\u{0}"], []),
]

@Suite struct TextFormatTests {
  @Test(arguments: samples)
  fileprivate func acceptsAndRefuses(sample: Sample) {
    for text in sample.accepted {
      #expect(sample.format.accepts(text), "\(sample.format.label) takes \(text.debugDescription)")
    }
    for text in sample.refused {
      #expect(!sample.format.accepts(text), "\(sample.format.label) refuses \(text.debugDescription)")
    }
  }

  // What the JSON Schema tells editors has to be what the decoder does. Needs python3.
  @Test(.enabled(if: pythonHas("re, json"), "python3 is missing"))
  func patternsSayTheSameAsTheDecoder() throws {
    struct Question: Encodable {
      let pattern: String
      let text: String
      let accepted: Bool
    }
    let everyText = samples.flatMap { $0.accepted + $0.refused }
    let questions = samples.flatMap { sample in
      // The texts of the other forms are good questions too.
      everyText.map {
        Question(pattern: sample.format.pattern, text: $0, accepted: sample.format.accepts($0))
      }
    }
    // In ECMA-262, `$` is the very end; Python's would take a line feed after it.
    let script = """
      import json, re, sys
      for q in json.load(sys.stdin):
          found = re.search(re.sub(r'\\$(?=$|\\))', r'\\\\Z', q['pattern']), q['text']) is not None
          if found != q['accepted']: print(q['pattern'], repr(q['text']), 'decoder:', q['accepted'])
      print(len(q), 'done')
      """
    let output = try runPython(script, input: Array(JSONEncoder().encode(questions)))
    #expect(output == "3 done\n")
  }

  @Test(
    arguments: [
      ("1B", 1), ("2KiB", 2048), ("160MiB", 167_772_160), ("3GiB", 3_221_225_472),
      ("9999999999GiB", 10_737_418_238_926_258_176),
    ] as [(String, UInt64)])
  func sizesAreBytes(text: String, bytes: UInt64) {
    #expect(ByteCount.parse(text) == bytes)
  }

  @Test func sizesThatDoNotFitAreRefused() {
    #expect(ByteCount.parse("99999999999GiB") == nil)
    #expect(ByteCount.parse("99999999999999999999999999B") == nil)
  }
}
