import Bytes
import FoundationEssentials
import Glibc
import Signing
import TestSupport
import Testing
import UpdateFramework

@testable import Channels

/// What is let in, over a real repository: only what somebody signed whose role it is.
@Suite struct UploadStoreTests {
  private func with(
    open: Int = 16, idle: Int = 86400, _ body: (UploadStore, SampleRepository, String) async throws -> Void
  ) async throws {
    try await withScratchDirectory { directory in
      let repository = try await SampleRepository(at: "\(directory.path)/repository")
      var limits = UploadStore.Limits()
      limits.open = open
      limits.idle = idle
      limits.reserve = 0
      let store = UploadStore(RepositoryDestination(repository.directory), limits: limits)
      try await body(store, repository, "\(directory.path)/repository/.uploads")
    }
  }

  private func key(_ repository: SampleRepository, _ name: String) throws -> KeyPair {
    try #require(repository.keys[name])
  }

  @Test func nothingIsTakenThatTheRightKeyDidNotSign() async throws {
    try await with { store, repository, place in
      let good = try await SampleUpload(signer: key(repository, "ci"))
      let other = try await SampleUpload(signer: key(repository, "ada-laptop"))
      #expect(store.begun(other.envelope.json) == "refused")
      let json = Array(good.envelope.json)
      let middle = json.count / 3
      let forged = json[..<middle] + [json[middle] == 0x41 ? 0x42 : 0x41] + json[(middle + 1)...]
      let refused = store.begun(Array(forged))
      #expect(refused == "refused" || refused == "malformed")
      let typed = try await Envelope.sign(
        payloadType: "text/plain", payload: good.manifest, signers: [FileSigner(key(repository, "ci"))])
      #expect(store.begun(typed.json) == "refused")
      for garbage in ["", "{}", "[]", "{\"payload\":", String(repeating: "[", count: 100_000)] {
        #expect(store.begun(Array(garbage.utf8)) == "malformed")
      }
      let none = try await Envelope.sign(
        payloadType: typed.payloadType, payload: [1], signers: [FileSigner(key(repository, "ci"))])
      #expect(store.begun(none.json) == "refused")
      #expect(uploadCode { _ = try store.look(at: good.digest) } == "unknown")
      #expect(uploadCode { try store.send([1], as: good.digest, of: good.digest) } == "unknown")
      #expect(access(place, F_OK) != 0, "not even a directory was made")
    }
  }

  @Test(arguments: [
    (#""name":"root.index""#, #""name":"../root.index""#), (#""name":"root.index""#, #""name":"frames""#),
    (#""name":"root.index""#, #""name":"release.json""#), (#""name":"root.index""#, #""name":".hidden""#),
    (#""sha256":""#, #""sha256":"A"#), (#""size":"#, #""size":99999999999"#), (#""size":"#, #""size":-"#),
    (#""name":"root.index""#, #""name":"other""#),
  ])
  func aSignedReleaseThatIsNoneIsNotTaken(_ old: String, _ new: String) async throws {
    try await with { store, repository, place in
      let upload = try await SampleUpload(signer: key(repository, "ci")) { $0.replacing(old, with: new) }
      #expect(store.begun(upload.envelope.json) == "malformed")
      #expect(access(place, F_OK) != 0)
    }
  }

  @Test func onlyNamedBytesOfTheSignedLengthComeIn() async throws {
    try await with { store, repository, place in
      let (kernel, frame) = (SampleUpload.bytes(5000), SampleUpload.bytes(3000, 1))
      let upload = try await SampleUpload(
        files: ["vmlinuz": kernel], frames: [frame, frame], signer: key(repository, "ci"))
      let release = upload.digest
      let begun = try store.begin(upload.envelope.json)
      #expect(!begun.indexed && !begun.published && begun.release == release && begun.image == "router")
      #expect(Set(begun.missing.map(\.name)) == ["vmlinuz", "root.index"])
      let digest = SampleUpload.digest(kernel)
      // The frame is named by an index that is not here yet.
      for stranger in [
        SampleUpload.digest(frame), SampleUpload.digest([9]), "../../x", "", digest.uppercased(),
      ] {
        #expect(uploadCode { try store.send(frame, as: stranger, of: release) } == "refused")
      }
      for name in ["", "..", "../../etc", String(repeating: "0", count: 64), release.uppercased()] {
        #expect(uploadCode { try store.send(kernel, as: digest, of: name) } == "unknown")
      }
      #expect(uploadCode { try store.send(kernel + [0], as: digest, of: release) } == "tooLarge")
      let wrong = kernel.prefix(7) + [kernel[7] ^ 1] + kernel.dropFirst(8)
      #expect(uploadCode { try store.send(Array(wrong), as: digest, of: release) } == "wrong")
      // Nothing of it is left.
      #expect(try store.look(at: release).missing.allSatisfy { $0.received == nil })
      // What is too short stays, to be gone on with, and from its end only.
      let half = Array(kernel.prefix(2000))
      #expect(uploadCode { try store.send(half, as: digest, of: release) } == "wrong")
      #expect(try store.look(at: release).missing.first { $0.name == "vmlinuz" }?.received == 2000)
      let rest = Array(kernel.dropFirst(2000))
      #expect(uploadCode { try store.send(rest, as: digest, of: release, from: 1999) } == "conflict")
      #expect(
        uploadCode { try store.send(rest + [0], as: digest, of: release, from: 2000) } == "tooLarge")
      try store.send(rest, as: digest, of: release, from: 2000)
      try store.send(
        try #require(upload.files["root.index"]),
        as: begun.missing.first { $0.name == "root.index" }?.sha256 ?? "", of: release)
      let indexed = try store.look(at: release)
      #expect(indexed.indexed && indexed.missing.map(\.sha256) == [SampleUpload.digest(frame)])
      try store.send(frame, as: SampleUpload.digest(frame), of: release)
      #expect(try store.look(at: release).missing.isEmpty)
      // Once more is no change; the end finds that no build made this.
      try store.send(frame, as: SampleUpload.digest(frame), of: release)
      let closing = UploadClosing(release: release).bytes
      do {
        _ = try await store.finish(release, closing)
        Issue.record("no build made this")
      } catch let error as UploadError {
        #expect(error.code == .wrong && !error.description.contains(place))
      }
      #expect(await uploadRefusal { _ = try await store.finish(release, Array("{}".utf8)) } == "malformed")
      let another = UploadClosing(release: SampleUpload.digest([1])).bytes
      #expect(await uploadRefusal { _ = try await store.finish(release, another) } == "malformed")
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: "\(repository.directory.path)").sorted() == [
          ".uploads", "metadata",
        ])
    }
  }

  @Test func aServerThatWasKilledGoesOn() async throws {
    try await with { store, repository, _ in
      let kernel = SampleUpload.bytes(5000)
      let upload = try await SampleUpload(files: ["vmlinuz": kernel], signer: key(repository, "ci"))
      _ = try store.begin(upload.envelope.json)
      let digest = SampleUpload.digest(kernel)
      let reception = try #require(
        try store.receive(digest, of: upload.digest, from: 0, length: nil, isComposed: false))
      try kernel.prefix(3000).withUnsafeBytes { try reception.receive($0) }
      // It never comes to abandon this.
      let next = UploadStore(RepositoryDestination(repository.directory))
      #expect(try next.look(at: upload.digest).missing.first { $0.sha256 == digest }?.received == 3000)
      let again = try next.begin(upload.envelope.json)
      #expect(again.missing.first { $0.sha256 == digest }?.received == 3000)
      withExtendedLifetime(reception) {}
    }
  }

  @Test func oneAtATimeSendsAFile() async throws {
    try await with { store, repository, _ in
      let kernel = SampleUpload.bytes(5000)
      let upload = try await SampleUpload(files: ["vmlinuz": kernel], signer: key(repository, "ci"))
      _ = try store.begin(upload.envelope.json)
      let digest = SampleUpload.digest(kernel)
      let first = try #require(
        try store.receive(digest, of: upload.digest, from: 0, length: nil, isComposed: false))
      #expect(uploadCode { try store.send(kernel, as: digest, of: upload.digest) } == "busy")
      try kernel.prefix(100).withUnsafeBytes { try first.receive($0) }
      // An upload that somebody is sending does not expire.
      store.sweep(now: time(nil) + 1_000_000)
      first.abandon()
      try store.send(Array(kernel.dropFirst(100)), as: digest, of: upload.digest, from: 100)
    }
  }

  @Test func uploadsThatNobodyFinishesAreFewAndExpire() async throws {
    try await with(open: 4, idle: 3600) { store, repository, place in
      var outcomes: [String: Int] = [:]
      var uploads: [SampleUpload] = []
      for number in 0..<100 {
        let upload = try await SampleUpload("1.\(number)", signer: key(repository, "ci"))
        uploads.append(upload)
        let outcome = store.begun(upload.envelope.json)
        outcomes[outcome, default: 0] += 1
      }
      #expect(outcomes == ["taken": 4, "tooMany": 96])
      #expect(try FileManager.default.contentsOfDirectory(atPath: place).count == 4)
      // One that was begun is gone on with.
      #expect(store.begun(uploads[0].envelope.json) == "taken")
      store.sweep()
      #expect(try FileManager.default.contentsOfDirectory(atPath: place).count == 4)
      store.sweep(now: time(nil) + 3601)
      #expect(try FileManager.default.contentsOfDirectory(atPath: place).isEmpty)
      #expect(uploadCode { _ = try store.look(at: uploads[0].digest) } == "unknown")
      #expect(store.begun(uploads[99].envelope.json) == "taken")
    }
  }

  @Test func aPublishedVersionIsNotReplaced() async throws {
    try await with { store, repository, _ in
      let upload = try await SampleUpload("1.0", signer: key(repository, "ci"))
      try await repository.list("router", "1.0")
      #expect(store.begun(upload.envelope.json) == "conflict")
      let same = try await SampleUpload("2.0", signer: key(repository, "ci"))
      try await repository.list("router", "2.0", bytes: same.manifest)
      #expect(try store.begin(same.envelope.json).published)
    }
  }

  @Test(.enabled(if: SmallDisk.isAvailable, "this mounts a small disk: run it as root"))
  func aFullDiskIsSaid() async throws {
    try await withScratchDirectory { directory in
      try await SmallDisk.with(at: "\(directory.path)/disk", bytes: 4 << 20) { disk in
        let repository = try await SampleRepository(at: "\(disk)/repository")
        var limits = UploadStore.Limits()
        limits.reserve = 0
        let store = UploadStore(RepositoryDestination(repository.directory), limits: limits)
        let kernel = SampleUpload.bytes(3 << 20)
        let upload = try await SampleUpload(files: ["vmlinuz": kernel], signer: key(repository, "ci"))
        let large = try await SampleUpload(
          "2.0", files: ["vmlinuz": SampleUpload.bytes(5 << 20)], signer: key(repository, "ci"))
        #expect(store.begun(large.envelope.json) == "full")
        _ = try store.begin(upload.envelope.json)
        let digest = SampleUpload.digest(kernel)
        // Somebody else fills the disk in the middle.
        let reception = try #require(
          try store.receive(digest, of: upload.digest, from: 0, length: nil, isComposed: false))
        try kernel.prefix(1 << 20).withUnsafeBytes { try reception.receive($0) }
        #expect(try run(["sh", "-c", "cat /dev/zero > \(disk)/filler; true"]).status == 0)
        let rest = Array(kernel.dropFirst(1 << 20))
        let refused = uploadCode { try rest.withUnsafeBytes { try reception.receive($0) } }
        #expect(refused == "full")
        reception.abandon()
        unlink("\(disk)/filler")
        let received = try #require(
          try store.look(at: upload.digest).missing.first { $0.sha256 == digest }?.received)
        try store.send(Array(kernel.dropFirst(received)), as: digest, of: upload.digest, from: received)
        #expect(try store.look(at: upload.digest).missing.map(\.name) == ["root.index"])
      }
    }
  }
}
