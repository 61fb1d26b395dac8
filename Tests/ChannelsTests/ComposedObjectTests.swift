import Bytes
import FoundationEssentials
import Glibc
import Signing
import TestSupport
import Testing
import UpdateFramework

@testable import Channels

/// A large file that comes in parts.
@Suite struct ComposedObjectTests {
  private let frame = SampleUpload.bytes(6000, 3)
  private let gap = SampleUpload.bytes(5000, 50)
  private var whole: [UInt8] { [1, 2, 3, 4] + frame + gap + frame }

  private var recipe: Recipe {
    let part = Recipe.Part.object(SampleUpload.digest(frame), frame.count)
    return Recipe(parts: [.literal([1, 2, 3, 4]), part, .object(SampleUpload.digest(gap), gap.count), part])
  }

  /// An upload whose initrd is ``whole``, with the frame on the server.
  private func with(_ body: (UploadStore, SampleUpload) async throws -> Void) async throws {
    try await withScratchDirectory { directory in
      let repository = try await SampleRepository(at: "\(directory.path)/repository")
      var limits = UploadStore.Limits()
      limits.reserve = 0
      let store = UploadStore(RepositoryDestination(repository.directory), limits: limits)
      let upload = try await SampleUpload(
        files: ["initrd": whole], frames: [frame], signer: try #require(repository.keys["ci"]))
      let index = try #require(upload.files["root.index"])
      _ = try store.begin(upload.envelope.json)
      try store.send(index, as: SampleUpload.digest(index), of: upload.digest)
      try store.send(frame, as: SampleUpload.digest(frame), of: upload.digest)
      try await body(store, upload)
    }
  }

  @Test func aLineSurvivesEncoding() throws {
    let composed = ComposedObject(recipe, sending: [SampleUpload.digest(gap)])
    #expect(composed.sentSize == gap.count)
    let line = composed.line
    #expect(line.last == 0x0A && !line.dropLast().contains(0x0A))
    #expect(ComposedObject(Array(line.dropLast()), size: whole.count) == composed)
    #expect(ComposedObject(Array(line.dropLast()), size: whole.count + 1) == nil)
    #expect(ComposedObject(Array(line.dropLast()), size: whole.count - 1) == nil)
    for count in 0..<line.count - 1 {
      #expect(ComposedObject(Array(line.prefix(count)), size: whole.count) == nil)
    }
  }

  @Test func partsThatAreThereAreNotSent() async throws {
    try await with { store, upload in
      let parts = [
        (digest: SampleUpload.digest(frame), size: frame.count), (SampleUpload.digest(gap), gap.count),
      ]
      let question = try UploadQuestion(UploadQuestion.encode(parts))
      let missing = try store.answer(question, of: upload.digest).missing
      #expect(missing == [SampleUpload.digest(gap)])
      let body = ComposedObject(recipe, sending: Set(missing)).line + gap
      #expect(body.count < whole.count)
      try store.send(body, as: SampleUpload.digest(whole), of: upload.digest, isComposed: true)
      #expect(try store.look(at: upload.digest).missing.isEmpty)
      let path = "\(store.objects(of: upload.digest))/\(SampleUpload.digest(whole))"
      #expect(try [UInt8](Data(contentsOf: URL(fileURLWithPath: path))) == whole)
      // The part between was never a file of its own.
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: store.objects(of: upload.digest)).count == 3)
    }
  }

  @Test func whatDoesNotFitLeavesNothing() async throws {
    try await with { store, upload in
      let digest = SampleUpload.digest(whole)
      func refusal(_ body: [UInt8]) async -> String {
        uploadCode { try store.send(body, as: digest, of: upload.digest, isComposed: true) }
      }
      let line = ComposedObject(recipe, sending: [SampleUpload.digest(gap)]).line
      var other = gap
      other[0] ^= 1
      #expect(await refusal(line + other) == "conflict")
      #expect(await refusal(line + gap + [1]) == "tooLarge")
      #expect(await refusal(line + gap.dropLast()) == "wrong")
      #expect(await refusal(Array(line.dropLast())) == "wrong")
      #expect(await refusal([]) == "wrong")
      #expect(await refusal(Array("{}\n".utf8)) == "malformed")
      #expect(await refusal(Array(repeating: 0x20, count: Recipe.maximumSize + 1001)) == "malformed")
      // A part that nobody has.
      #expect(await refusal(ComposedObject(recipe, sending: []).line) == "conflict")
      // Parts that fit together to something else.
      let swapped = Recipe(parts: [
        .object(SampleUpload.digest(frame), frame.count), .literal([1, 2, 3, 4]),
        .object(SampleUpload.digest(gap), gap.count), .object(SampleUpload.digest(frame), frame.count),
      ])
      #expect(
        await refusal(ComposedObject(swapped, sending: [SampleUpload.digest(gap)]).line + gap) == "wrong")
      #expect(try store.look(at: upload.digest).missing.map(\.received) == [nil])
      let left = try FileManager.default.contentsOfDirectory(atPath: store.objects(of: upload.digest))
      #expect(!left.contains { $0.hasSuffix(".part") }, "\(left)")
    }
  }

  @Test func aPartThatIsDamagedHereIsNoticed() async throws {
    try await with { store, upload in
      let path = "\(store.objects(of: upload.digest))/\(SampleUpload.digest(frame))"
      var damaged = frame
      damaged[100] ^= 1
      try Data(damaged).write(to: URL(fileURLWithPath: path))
      let body = ComposedObject(recipe, sending: [SampleUpload.digest(gap)]).line + gap
      let refused = uploadCode {
        try store.send(body, as: SampleUpload.digest(whole), of: upload.digest, isComposed: true)
      }
      #expect(refused == "conflict")
      try store.send(whole, as: SampleUpload.digest(whole), of: upload.digest)
    }
  }
}
