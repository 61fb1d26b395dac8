import Bytes
import Foundation
import FrameFormat
import ImageFormat
import Signing
import Testing
import TestSupport

@testable import ImageBuilder

@Suite(
  "verifying releases",
  .enabled(if: TinyImage.isPossible, "missing: \(TinyImage.missingTools.joined(separator: ", "))"))
struct ReleaseVerifierTests {
  @Test("an untouched release has no finding, and says who signed it")
  func untouched() async throws {
    try await ReleaseFixture.with { release in
      let outcome = try await ReleaseVerifier(release.directory)
        .verify(keys: [release.key.publicKey], threshold: 1)
      #expect(outcome.findings == [])
      #expect(outcome.signers == [release.key.publicKey])
      #expect(outcome.digest == SHA256.digest(of: try release.read("release.json")).hex)
      #expect(outcome.release == release.built.release)
    }
  }

  @Test("one bit changed in any artifact, at its start, middle or end, is found, and the file named")
  func artifacts() async throws {
    try await ReleaseFixture.with { release in
      let names = release.built.release.artifacts.map(\.name)
      #expect(names.count >= 4)
      for name in names {
        let count = try release.read(name).count
        for offset in Set([0, count / 2, count - 1]) {
          try release.flip(name, at: offset, bit: UInt8(offset % 8))
          let found = try await release.unsignedFindings()
          #expect(found.contains { $0.contains("/\(name) ") }, "\(name) at \(offset): \(found)")
          try release.flip(name, at: offset, bit: UInt8(offset % 8))
        }
      }
      #expect(try await release.findings() == [])
    }
  }

  @Test("a damaged, cut, missing or exchanged frame is found, and named")
  func frames() async throws {
    try await ReleaseFixture.with { release in
      let frames = try FileManager.default.contentsOfDirectory(atPath: release.path("frames")).sorted()
      #expect(frames.count > 3)
      for frame in frames {
        let name = "frames/\(frame)"
        let bytes = try release.read(name)
        var flipped = bytes
        flipped[bytes.count / 2] ^= 0x20
        for damaged in [flipped, Array(bytes.dropLast()), bytes + [0], []] {
          try release.write(damaged, to: name)
          let found = try await release.unsignedFindings()
          #expect(found.contains { $0.contains(frame) }, "\(found)")
        }
        unlink(release.path(name))
        #expect(try await release.unsignedFindings().contains { $0.contains(frame) })
        try release.write(bytes, to: name)
      }
      let one = try release.read("frames/\(frames[0])")
      try release.write(release.read("frames/\(frames[1])"), to: "frames/\(frames[0])")
      #expect(try await release.unsignedFindings().contains { $0.contains(frames[0]) })
      try release.write(one, to: "frames/\(frames[0])")
      #expect(try await release.findings() == [])
    }
  }

  @Test(
    "signatures: none, by a stranger, too few, of another release, with another payload type, no envelope")
  func signatures() async throws {
    try await ReleaseFixture.with { release in
      let stranger = try KeyPair.generate(name: "stranger")
      let good = try release.read(ReleaseFile.signature)
      func expect(_ words: String, keys: [PublicKey]? = nil, threshold: Int = 1) async throws {
        let found = try await release.findings(keys: keys, threshold: threshold)
        #expect(found.contains { $0.contains(words) }, "\(words): \(found)")
        let outcome = try await ReleaseVerifier(release.directory)
          .verify(keys: keys ?? [release.key.publicKey], threshold: threshold)
        #expect(outcome.signers.isEmpty)
      }
      try await expect("release.dsse.json", keys: [stranger.publicKey])
      try await expect("release.dsse.json", keys: [release.key.publicKey, stranger.publicKey], threshold: 2)
      try await expect(
        "release.dsse.json", keys: [release.key.publicKey, release.key.publicKey], threshold: 2)

      var both = try Envelope(json: good, source: "test")
      try await both.add(FileSigner(stranger))
      try release.write(both.json, to: ReleaseFile.signature)
      let outcome = try await ReleaseVerifier(release.directory)
        .verify(keys: [release.key.publicKey, stranger.publicKey], threshold: 2)
      #expect(outcome.findings == [])
      #expect(Set(outcome.signers) == [release.key.publicKey, stranger.publicKey])

      var other = release.built.release
      other.version = "9"
      for (type, payload) in [
        (BuiltRelease.payloadType, try other.encode()),
        ("application/vnd.in-toto+json", release.built.manifest),
      ] {
        let envelope = try await Envelope.sign(
          payloadType: type, payload: payload, signers: [FileSigner(release.key)])
        try release.write(envelope.json, to: ReleaseFile.signature)
        try await expect(ReleaseFile.signature)
      }
      for text in ["", "{", "[]", "{\"payload\":1}"] {
        try release.write(Array(text.utf8), to: ReleaseFile.signature)
        try await expect(ReleaseFile.signature)
      }
      unlink(release.path(ReleaseFile.signature))
      try await expect("is not signed")
      #expect(try await release.unsignedFindings() == [])
    }
  }

  @Test("an edited release.json no longer has its signature, whatever was edited")
  func editedManifest() async throws {
    try await ReleaseFixture.with { release in
      let edits: [@Sendable (inout Release) -> Void] = [
        { $0.version = "1.3" }, { $0.timestamp += 1 }, { $0.source.dirty.toggle() },
        { $0.kernel.commandLine += " init=/bin/sh" }, { $0.pcr11.boot = String(repeating: "0", count: 64) },
        { $0.root.hash = String(repeating: "a", count: 64) },
        { $0.exceptions.append(Release.Exception(rule: "ssh", path: "/**", reason: "none")) },
      ]
      for edit in edits {
        try release.write(release.built.manifest, to: ReleaseFile.release)
        try release.edit(edit)
        let found = try await release.findings()
        #expect(found.contains { $0.contains("signs another release.json") }, "\(found)")
      }
      // White space alone is another release, too.
      try release.write(release.built.manifest + [0x20], to: ReleaseFile.release)
      #expect(try await release.findings().contains { $0.contains("signs another release.json") })
    }
  }

  @Test("what release.json says of the image is compared with the image, even if nobody looks at signatures")
  func inconsistentManifest() async throws {
    try await ReleaseFixture.with { release in
      let zeros = String(repeating: "0", count: 64)
      let edits: [(String, @Sendable (inout Release) -> Void)] = [
        ("root.index describes another", { $0.root.hash = zeros }),
        ("root.index describes another", { $0.root.size += 4096 }),
        ("root.index describes another", { $0.root.dataSize -= 4096 }),
        ("root.index describes another", { $0.root.frames += 1 }),
        ("root.index describes another", { $0.root.framesSize += 1 }),
        ("PCR 11", { $0.pcr11.boot = zeros }),
        (".cmdline", { $0.kernel.commandLine += " quiet" }),
        (".uname", { $0.kernel.release += "-other" }),
        ("lists no uki.efi", { $0.artifacts.removeAll { $0.name == "uki.efi" } }),
        ("lists no initrd", { $0.artifacts.removeAll { $0.name == "initrd" } }),
      ]
      for (words, edit) in edits {
        try release.write(release.built.manifest, to: ReleaseFile.release)
        try release.edit(edit)
        let found = try await release.unsignedFindings()
        #expect(found.contains { $0.contains(words) }, "\(words): \(found)")
      }
    }
  }

  @Test("a UKI with another command line is found even if release.json names its digest")
  func changedCommandLine() async throws {
    try await ReleaseFixture.with { release in
      var uki = Data(try release.read(ReleaseFile.uki))
      let place = try #require(uki.range(of: Data("console=ttyS0 quiet".utf8)))
      uki.replaceSubrange(place, with: Data("console=ttyS0 debug".utf8))
      try release.write([UInt8](uki), to: ReleaseFile.uki)
      try release.edit { edited in
        for index in edited.artifacts.indices where edited.artifacts[index].name == ReleaseFile.uki {
          edited.artifacts[index].sha256 = SHA256.digest(of: [UInt8](uki)).hex
        }
      }
      let found = try await release.unsignedFindings()
      #expect(found.contains { $0.contains("its .cmdline") }, "\(found)")
      #expect(found.contains { $0.contains("PCR 11") }, "\(found)")
    }
  }

  @Test("a command line that pins another index than the release's is found")
  func pinnedIndex() async throws {
    try await ReleaseFixture.with { release in
      // The index of another image, put into this release with every digest adjusted.
      let index = try RootIndex.decode(release.read(ReleaseFile.index))
      let other = RootIndex(
        dataSize: index.dataSize, rootHash: SHA256.digest(of: [1]), frames: index.frames
      ).encode()
      try release.write(other, to: ReleaseFile.index)
      try release.edit { edited in
        edited.root.hash = SHA256.digest(of: [1]).hex
        for number in edited.artifacts.indices where edited.artifacts[number].name == ReleaseFile.index {
          edited.artifacts[number].sha256 = SHA256.digest(of: other).hex
        }
      }
      let found = try await release.unsignedFindings()
      #expect(found.contains { $0.contains("root hash") }, "\(found)")
      #expect(found.contains { $0.contains("netimg.index") }, "\(found)")
    }
  }

  @Test(
    "a name that leads out of the release is refused before anything is opened",
    arguments: [
      "../outside", "/etc/passwd", "frames/../../outside", "", ".", "frames//x", "frames/./x", "frames/",
      "..",
    ])
  func traversal(name: String) async throws {
    try await ReleaseFixture.with { release in
      try Data("outside".utf8).write(to: URL(fileURLWithPath: "\(release.directory)/../outside"))
      try release.edit {
        $0.artifacts[0] = Release.Artifact(
          name: name, sha256: SHA256.digest(of: Array("outside".utf8)).hex, size: 7)
      }
      let found = try await release.unsignedFindings()
      #expect(found.contains { $0.contains("outside of itself") }, "\(found)")
    }
  }

  @Test(
    "what stands for a file but is none is refused, and never waited for",
    arguments: ["fifo", "directory", "device"])
  func notAFile(kind: String) async throws {
    try await ReleaseFixture.with { release in
      let path = release.path(ReleaseFile.kernel)
      unlink(path)
      switch kind {
      case "fifo": #expect(mkfifo(path, 0o644) == 0)
      case "directory": #expect(mkdir(path, 0o755) == 0)
      default: #expect(symlink("/dev/zero", path) == 0)
      }
      let findings = try await release.unsignedFindings()
      #expect(findings.contains { $0.contains("no regular file") })
    }
  }
}

@Suite("reading release.json")
struct ReleaseFormatTests {
  private let release = Release(
    format: 1, name: "a", version: "1", architecture: "amd64", timestamp: 7,
    source: Release.Source(
      commit: nil, dirty: false, manifest: "m.yaml", manifestDigest: "", lockDigest: "", stage0Digest: ""),
    kernel: Release.Kernel(release: "6", commandLine: "quiet"),
    root: Release.Root(hash: "", size: 1, dataSize: 1, frames: 1, framesSize: 1),
    pcr11: Release.ExpectedPCR(boot: ""), artifacts: [], exceptions: [],
    builder: Release.Builder(version: "1", compressionLevel: 3, formats: ["b": 2, "a": 1], zstd: "1.2.3"))

  @Test("the bytes are these")
  func golden() throws {
    let expected = """
      {
        "architecture" : "amd64",
        "artifacts" : [

        ],
        "builder" : {
          "compressionLevel" : 3,
          "formats" : {
            "a" : 1,
            "b" : 2
          },
          "version" : "1",
          "zstd" : "1.2.3"
        },
        "exceptions" : [

        ],
        "format" : 1,
        "kernel" : {
          "commandLine" : "quiet",
          "release" : "6"
        },
        "name" : "a",
        "pcr11" : {
          "boot" : ""
        },
        "root" : {
          "dataSize" : 1,
          "frames" : 1,
          "framesSize" : 1,
          "hash" : "",
          "size" : 1
        },
        "source" : {
          "dirty" : false,
          "lockDigest" : "",
          "manifest" : "m.yaml",
          "manifestDigest" : "",
          "stage0Digest" : ""
        },
        "timestamp" : 7,
        "version" : "1"
      }

      """
    #expect(String(decoding: try release.encode(), as: UTF8.self) == expected)
  }

  @Test("a release from before the version of zstd was recorded is read, and written as it was")
  func withoutZstd() throws {
    var old = release
    old.builder.zstd = nil
    let bytes = try old.encode()
    #expect(!String(decoding: bytes, as: UTF8.self).contains("zstd"))
    #expect(try Release.decode(bytes, file: "release.json") == old)
  }

  @Test("what is written is read again, and written the same")
  func roundTrip() throws {
    let bytes = try release.encode()
    let read = try Release.decode(bytes, file: "release.json")
    #expect(read == release)
    #expect(try read.encode() == bytes)
    #expect(bytes.last == 0x0A)
  }

  @Test("every truncated prefix is refused, as a verification failure that names the file")
  func truncated() throws {
    let bytes = try release.encode()
    // The last byte is the newline, without which it is whole.
    for count in 0..<(bytes.count - 1) {
      let error = #expect(throws: BuildError.self) {
        try Release.decode(Array(bytes[..<count]), file: "dir/release.json")
      }
      #expect(error?.code == .verification)
      #expect(error?.message.hasPrefix("dir/release.json") == true)
    }
  }

  @Test(
    "numbers beyond their range, wrong types and other formats are refused in a sentence",
    arguments: [
      ("\"timestamp\" : 7", "\"timestamp\" : -1"), ("\"timestamp\" : 7", "\"timestamp\" : 1e300"),
      ("\"timestamp\" : 7", "\"timestamp\" : 18446744073709551616"),
      ("\"timestamp\" : 7", "\"timestamp\" : \"7\""),
      ("\"frames\" : 1", "\"frames\" : 9223372036854775808"), ("\"frames\" : 1", "\"frames\" : 1.5"),
      ("\"format\" : 1", "\"format\" : 2"), ("\"format\" : 1", "\"format\" : 99999999999999999999"),
      ("\"artifacts\" : [", "\"artifacts\" : [{\"name\": \"x\", \"sha256\": \"\", \"size\": -5}],\"x\": ["),
      ("\"name\" : \"a\"", "\"name\" : null"),
    ])
  func hostile(from: String, to: String) throws {
    let text = String(decoding: try release.encode(), as: UTF8.self)
    #expect(text.contains(from))
    let changed = text.replacingOccurrences(of: from, with: to)
    let error = #expect(throws: BuildError.self) {
      try Release.decode(Array(changed.utf8), file: "release.json")
    }
    #expect(error?.code == .verification)
    #expect(error?.message.split(separator: "\n").count == 1, "\(error?.message ?? "")")
  }

  @Test("unknown keys are left alone")
  func unknownKeys() throws {
    let text = String(decoding: try release.encode(), as: UTF8.self)
    let changed = text.replacingOccurrences(
      of: "\"format\" : 1", with: "\"format\" : 1, \"new\" : {\"a\": [1]}")
    #expect(try Release.decode(Array(changed.utf8), file: "r") == release)
  }
}
