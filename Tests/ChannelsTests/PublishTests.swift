import Bytes
import FoundationEssentials
import FrameFormat
import Signing
import TestSupport
import Testing

@testable import Channels
@testable import UpdateFramework

/// A release on disk with one frame, which is what its release.json says, and boots nothing.
struct SmallRelease {
  let directory: String
  let frame = [UInt8](repeating: 1, count: 5000)
  let digest: String

  var frameName: String { "frames/\(SHA256.digest(of: frame).hex)" }

  /// - Parameter kernel: The bytes of its kernel.
  init(at directory: String, signer: KeyPair, kernel: [UInt8] = [1, 2, 3]) async throws {
    self.directory = directory
    try FileManager.default.createDirectory(
      atPath: "\(directory)/frames", withIntermediateDirectories: true)
    let index = RootIndex(
      dataSize: 4096, rootHash: SHA256.digest(of: []),
      frames: [RootIndex.Frame(digest: SHA256.digest(of: frame), storedSize: frame.count, size: 8192)])
    let files: [(name: String, bytes: [UInt8])] = [
      ("root.index", index.encode()), ("sbom.spdx.json", Array("{}".utf8)), ("vmlinuz", kernel),
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

  /// A recipe is a hint: one that names what is not there costs a client nothing but the hope.
  @Test func aRecipeThatNamesAMissingPartIsLeft() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await SampleRepository(at: scratch.path + "/repo")
      let ci = try #require(sample.keys["ci"])
      let kernel = [UInt8](repeating: 5, count: Recipe.leastFile + 10)
      let release = try await SmallRelease(at: "\(scratch.path)/release", signer: ci, kernel: kernel)
      let publication = try sample.open().publish(
        VerifiedRelease(release.directory, digest: release.digest, keys: [ci.publicKey]), now: sample.now)
      try await sample.merge(try #require(publication.proposal), ["ci"])
      try await sample.promote("router", "1.0", to: "dev", ["ci"])
      let trust = LocalMetadata(directory: scratch.path + "/trust")
      try trust.initialize(rootFile: scratch.path + "/repo/metadata/1.root.json")
      let digest = SHA256.digest(of: kernel).hex
      let lies: [(part: [UInt8], there: [UInt8]?)] = [
        ([1], nil), ([2], [3]), ([4], Array(repeating: 4, count: kernel.count)),
      ]
      for (number, lie) in lies.enumerated() {
        let part = SHA256.digest(of: lie.part).hex
        let recipe = Recipe(parts: [
          .object(part, kernel.count - 10), .literal([UInt8](repeating: 5, count: 10)),
        ])
        _ = try sample.directory.addObject(
          recipe.bytes, at: Names.object("\(digest).recipe"), replaces: true)
        if let bytes = lie.there { _ = try sample.directory.addObject(bytes, at: Names.object(part)) }
        let client = try ChannelClient(
          trust: trust, fetcher: try HTTPFetcher(), url: ChannelClient.address(of: scratch.path + "/repo"))
        let plan = try await client.plan(client.current("router", in: "dev"), here: LocalFiles())
        #expect(plan.missing.contains { $0.digest == part } && plan.assembledFiles == 1)
        let output = "\(scratch.path)/output-\(number)"
        try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
        try await client.run(plan, into: output)
        #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(output)/\(digest)"))) == kernel)
      }
    }
  }

  /// Who signed a release later is not forgotten because it is published once more.
  @Test func signaturesOfOthersStay() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await SampleRepository(at: scratch.path + "/repo")
      let ci = try #require(sample.keys["ci"])
      let release = try await SmallRelease(at: "\(scratch.path)/release", signer: ci)
      func publish() throws -> ChannelRepository.Publication {
        try sample.open().publish(
          VerifiedRelease(release.directory, digest: release.digest, keys: [ci.publicKey]), now: sample.now)
      }
      // What a publisher that was killed left, and one that is at work now.
      let folder = "\(scratch.path)/repo"
      let left = ["metadata/%.1.2.part", "targets/releases/%.3.4.part"].map { "\(folder)/\($0)" }
      let atWork = "\(folder)/targets/%.5.6.part"
      try FileManager.default.createDirectory(
        atPath: "\(folder)/targets/releases", withIntermediateDirectories: true)
      for path in left + [atWork] { try Data([1]).write(to: URL(fileURLWithPath: path)) }
      try FileManager.default.setAttributes(
        [.modificationDate: Date.now.addingTimeInterval(-90_000)], ofItemAtPath: left[1])
      _ = try publish()
      #expect(left.allSatisfy { !FileManager.default.fileExists(atPath: $0) })
      #expect(FileManager.default.fileExists(atPath: atWork))
      let path = Names.object("\(release.digest).release.dsse.json")
      func envelope() throws -> Envelope {
        try Envelope(
          json: try #require(try sample.directory.readObject(at: path, limit: 1 << 20)), source: path)
      }
      var signed = try envelope()
      try await signed.add(FileSigner(try #require(sample.keys["eve"])))
      _ = try sample.directory.addObject(signed.json, at: path, replaces: true)
      #expect(try publish().copiedFiles == 0)
      #expect(try envelope() == signed && signed.signatures.count == 2)
      // One that is about something else is replaced.
      let other = try await Envelope.sign(payloadType: "test", payload: [1], signers: [FileSigner(ci)])
      _ = try sample.directory.addObject(other.json, at: path, replaces: true)
      #expect(try publish().copiedFiles == 1)
      #expect(try envelope().signatures.count == 1)
    }
  }

  /// Files that nothing vouches for go to the disk, and only as much of them as makes sense.
  @Test func whatNothingVouchesForIsBounded() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await SampleRepository(at: scratch.path + "/repo")
      let ci = try #require(sample.keys["ci"])
      let release = try await SmallRelease(at: "\(scratch.path)/release", signer: ci)
      let publication = try sample.open().publish(
        VerifiedRelease(release.directory, digest: release.digest, keys: [ci.publicKey]), now: sample.now)
      try await sample.merge(try #require(publication.proposal), ["ci"])
      try await sample.promote("router", "1.0", to: "dev", ["ci"])
      let trust = LocalMetadata(directory: scratch.path + "/trust")
      try trust.initialize(rootFile: scratch.path + "/repo/metadata/1.root.json")
      let output = "\(scratch.path)/output"
      try FileManager.default.createDirectory(atPath: output, withIntermediateDirectories: true)
      func names() async throws -> [String] {
        let client = try ChannelClient(
          trust: trust, fetcher: try HTTPFetcher(), url: ChannelClient.address(of: scratch.path + "/repo"))
        let current = try await client.current("router", in: "dev")
        let plan = try await client.plan(current, here: LocalFiles())
        let files = try await client.companions(of: current, plan, into: output)
        for file in files {
          let bytes = try Data(contentsOf: URL(fileURLWithPath: file.path))
          #expect(try bytes == Data(contentsOf: URL(fileURLWithPath: "\(release.directory)/\(file.name)")))
        }
        return files.map(\.name)
      }
      #expect(try await names() == ["release.dsse.json", "sbom.dsse.json"])
      // What is about no file of the release is not asked for at all.
      let big = [UInt8](repeating: 7, count: 3 << 20)
      let path = { (name: String) in Names.object("\(release.digest).\(name)") }
      for name in ["uki.signed.efi", "provenance.dsse.json"] {
        _ = try sample.directory.addObject(big, at: path(name), replaces: true)
      }
      #expect(try await names() == ["release.dsse.json", "sbom.dsse.json"])
      _ = try sample.directory.addObject(big, at: path("sbom.dsse.json"), replaces: true)
      #expect(await refusal { _ = try await names() } == "tooLarge")
      #expect(try FileManager.default.contentsOfDirectory(atPath: output).count == 1)
    }
  }
}
