import Manifest
import Testing

private let componentText = ManifestReference.componentSample
private let imageText = ManifestReference.imageSample

/// Loads the samples with one of the two files replaced; a trap would end the whole run.
private func outcome(_ tree: WorkTree, _ path: String, _ bytes: [UInt8]) -> ManifestError? {
  do {
    let overlay = OverlayTree(base: tree, path: path, bytes: bytes)
    _ = try ManifestLoader(tree: overlay).load(manifestPath: "manifests/edge-router.yaml")
    return nil
  } catch {
    return error
  }
}

private let files = ["manifests/edge-router.yaml": imageText, "images/frr/component.yaml": componentText]

@Suite struct HostileInputTests {
  @Test(arguments: files.sorted { $0.key < $1.key }.map(\.key))
  func everyTruncatedPrefixIsReadOrRefusedWithAPlace(path: String) async throws {
    let bytes = Array(try #require(files[path]).utf8)
    try await withRepository(files) { tree throws in
      #expect(outcome(tree, path, bytes) == nil)
      var refused = 0
      for count in 0..<bytes.count {
        guard let error = outcome(tree, path, Array(bytes.prefix(count))) else { continue }
        refused += 1
        #expect(!error.problems.isEmpty)
        #expect(error.problems.allSatisfy { $0.location.line >= 1 && $0.location.column >= 1 })
      }
      // A prefix may be whole by chance, such as one without the last item of a list; most are not.
      #expect(refused > bytes.count / 3)
    }
  }

  @Test(arguments: files.sorted { $0.key < $1.key }.map(\.key))
  func mutatedBytesNeverTrap(path: String) async throws {
    let bytes = Array(try #require(files[path]).utf8)
    var random = FixedRandom(seed: 42)
    let interesting =
      Array("\u{0}\t\n\r !\"#%&'*,-:<>?@[]`{|}~0".utf8) + [0x7F, 0x80, 0xC3, 0xE2, 0xED, 0xF4, 0xFF]
    try await withRepository(files) { tree throws in
      var refused = 0
      for _ in 0..<1500 {
        var mutated = bytes
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          let index = Int.random(in: 0..<mutated.count, using: &random)
          switch Int.random(in: 0..<4, using: &random) {
          case 0: mutated[index] = UInt8.random(in: 0...255, using: &random)
          case 1: mutated.insert(interesting.randomElement(using: &random) ?? 0, at: index)
          case 2: mutated.remove(at: index)
          default: mutated[index] = interesting.randomElement(using: &random) ?? 0
          }
        }
        if let error = outcome(tree, path, mutated) {
          refused += 1
          #expect(!error.description.isEmpty)
        }
      }
      #expect(refused > 500)
    }
  }

  @Test func shuffledLinesNeverTrap() async throws {
    let lines = imageText.split(separator: "\n", omittingEmptySubsequences: false)
    var random = FixedRandom(seed: 7)
    try await withRepository(files) { tree throws in
      for _ in 0..<300 {
        let text = lines.shuffled(using: &random).joined(separator: "\n")
        _ = outcome(tree, "manifests/edge-router.yaml", Array(text.utf8))
      }
    }
  }

  @Test func theSameMistakesGiveTheSameReport() async throws {
    let text = imageText.replacing("package", with: "pakcage").replacing("reason", with: "raeson")
    try await withRepository(files) { tree throws in
      let reports = (0..<5).compactMap { _ in
        outcome(tree, "manifests/edge-router.yaml", Array(text.utf8))?.description
      }
      #expect(reports.count == 5)
      #expect(Set(reports).count == 1)
    }
  }
}
