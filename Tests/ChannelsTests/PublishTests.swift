import Bytes
import FoundationEssentials
import FrameFormat
import Signing
import TestSupport
import Testing

@testable import Channels
@testable import UpdateFramework

/// A release on disk with one frame, which is what its release.json says, and boots nothing.
private struct SmallRelease {
  let directory: String
  let frame = [UInt8](repeating: 1, count: 5000)
  let digest: String

  var frameName: String { "frames/\(SHA256.digest(of: frame).hex)" }

  init(at directory: String, signer: KeyPair) async throws {
    self.directory = directory
    try FileManager.default.createDirectory(
      atPath: "\(directory)/frames", withIntermediateDirectories: true)
    let index = RootIndex(
      dataSize: 4096, rootHash: SHA256.digest(of: []),
      frames: [RootIndex.Frame(digest: SHA256.digest(of: frame), storedSize: frame.count, size: 8192)])
    let files: [(name: String, bytes: [UInt8])] = [
      ("root.index", index.encode()), ("sbom.spdx.json", Array("{}".utf8)), ("vmlinuz", [1, 2, 3]),
    ]
    let list = files.map {
      #"{"name": "\#($0.name)", "sha256": "\#(SHA256.digest(of: $0.bytes).hex)", "size": \#($0.bytes.count)}"#
    }
    let manifest = SampleRepository.manifest("router", "1.0", artifacts: list.joined(separator: ", "))
    digest = SHA256.digest(of: manifest).hex
    for (name, bytes) in files + [("release.json", manifest), (frameName, frame)] {
      try write(bytes, to: name)
    }
    for (name, payload) in [("release.dsse.json", manifest), ("sbom.dsse.json", Array("{}".utf8))] {
      let envelope = try await Envelope.sign(
        payloadType: "test", payload: payload, signers: [FileSigner(signer)])
      try write(envelope.json, to: name)
    }
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: "\(directory)/\(name)"))
  }
}

/// What is copied is what was verified, whoever writes to the directory meanwhile.
@Suite struct PublishTests {
  @Test func whatChangesAfterItWasVerifiedIsNotPublished() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await SampleRepository(at: scratch.path + "/repo")
      let ci = try #require(sample.keys["ci"])
      let other = SampleRepository.manifest("router", "1.0", artifacts: "") + [10]
      let eve = FileSigner(try #require(sample.keys["eve"]))
      let sbom = try await Envelope.sign(payloadType: "test", payload: Array("{}".utf8), signers: [eve])
      let unknown = try await Envelope.sign(payloadType: "test", payload: other, signers: [eve])
      let swaps: [(name: String, bytes: [UInt8])] = [
        ("release.json", other), ("vmlinuz", [1, 2, 4]), ("root.index", [0]), ("sbom.spdx.json", [1]),
        ("FRAME", [UInt8](repeating: 2, count: 5000)), ("sbom.dsse.json", sbom.json),
        ("release.dsse.json", unknown.json),
      ]
      for (number, swap) in swaps.enumerated() {
        let release = try await SmallRelease(at: "\(scratch.path)/release-\(number)", signer: ci)
        try release.write(swap.bytes, to: swap.name == "FRAME" ? release.frameName : swap.name)
        let error = #expect(throws: ChannelError.self, "\(swap.name)") {
          try sample.open().publish(
            VerifiedRelease(release.directory, digest: release.digest, keys: [ci.publicKey]), now: sample.now)
        }
        #expect(error?.description.contains("was changed while it was read") == true, "\(swap.name)")
      }
      // Every file that lies there is what its name says.
      let objects = "\(scratch.path)/repo/targets/objects"
      for name in try FileManager.default.subpathsOfDirectory(atPath: objects) where name.utf8.count == 67 {
        let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(objects)/\(name)"))
        #expect(name.hasSuffix(SHA256.digest(of: [UInt8](bytes)).hex), "\(name)")
      }
      let good = try await SmallRelease(at: "\(scratch.path)/good", signer: ci)
      let publication = try sample.open().publish(
        VerifiedRelease(good.directory, digest: good.digest, keys: [ci.publicKey]), now: sample.now)
      try await sample.merge(try #require(publication.proposal), ["ci"])
      #expect(try sample.open().releases().map(\.digest) == [good.digest])
    }
  }
}
