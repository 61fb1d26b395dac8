import Foundation
import Manifest
import Testing

private let referencePath = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().appending(path: "docs/manifest.md")

@Suite struct ReferenceTests {
  @Test func theReferenceIsUpToDate() throws {
    let text = ManifestReference.markdown()
    if ProcessInfo.processInfo.environment["NETIMG_REGENERATE"] == "1" {
      try Data(text.utf8).write(to: referencePath)
    }
    let written = try String(contentsOf: referencePath, encoding: .utf8)
    #expect(written == text, "run the tests with NETIMG_REGENERATE=1 to write docs/manifest.md anew")
  }

  @Test func theSamplesInTheReferenceLoadTogether() async throws {
    let blocks = ManifestReference.markdown().components(separatedBy: "```yaml\n").dropFirst().compactMap {
      $0.components(separatedBy: "```").first
    }
    try #require(blocks.count == 2)
    let files = ["manifests/edge-router.yaml": blocks[0], "images/frr/component.yaml": blocks[1]]
    try await withRepository(files) { tree throws in
      let image = try ManifestLoader(tree: tree).load(manifestPath: "manifests/edge-router.yaml")
      #expect(image.name == "edge-router")
      #expect(image.components == ["frr"])
      #expect(image.declarations.modules.map(\.value) == ["vxlan", "vrf", "virtio_net"])
      #expect(image.declarations.files.first?.value.mode == 0o640)
    }
  }

  @Test func everyKeyHasARow() {
    let text = ManifestReference.markdown()
    for key in ["apiVersion", "commandLine", "capabilities", "sha256", "replacement", "keyring", "limits"] {
      #expect(text.contains("`\(key)`"))
    }
    #expect(text.contains("| **`path`** |"))
    #expect(text.contains("Default: `0644`."))
  }
}
