internal import Bytes
package import ImageBuilder

/// Whether a release is what a rebuild of its sources gives; if not, which input or byte differs first.
package struct ReleaseComparison: Encodable, Sendable {
  /// An input, as release.json records it and as it is here.
  package struct Input: Encodable, Sendable, Equatable {
    /// `commit`, `lock`, `stage0`…
    package let name: String
    /// `nil` for something that one side does not have.
    package let recorded: String?
    package let here: String?
    /// What to do about it.
    package let advice: String?
  }

  /// A file of the release that the rebuild gives with other bytes.
  package struct Artifact: Encodable, Sendable, Equatable {
    package let name: String
    /// Sizes in bytes; `nil` for a file that one side does not have.
    package let size: Int?
    package let rebuiltSize: Int?
    /// The first byte that differs; where one is a beginning of the other, the end of that one.
    package let offset: Int?
    /// Where that is, in words: a section of the UKI, a frame and a path of the root image.
    package let place: String?
  }

  /// The release, and the one that the rebuild gives: SHA-256 of release.json.
  package let release: String
  package let rebuilt: String
  package let inputs: [Input]
  package let artifacts: [Artifact]
  /// Paths of the root image that differ; empty if only its metadata do.
  package let files: FileChanges?
  /// What is wrong with the release itself: files that are not what its release.json says.
  package let damaged: [String]

  /// Whether the release is exactly what its sources give.
  package var isSame: Bool { release == rebuilt && damaged.isEmpty && artifacts.isEmpty }
}

extension ReleaseComparison {
  /// - Parameters:
  ///   - directory: the release in question.
  ///   - built: the rebuild.
  ///   - scratch: a directory that does not exist yet, where the rebuild is written if its root image differs. It is the
  ///     caller's to remove.
  package init(_ directory: String, rebuilt built: BuiltRelease, scratch: String) async throws {
    let reader = try ReleaseReader(directory)
    release = SHA256.digest(of: reader.manifest).hex
    rebuilt = built.digest.hex
    inputs = try Self.inputs(reader, built)
    let compared = try await Self.artifacts(reader, built)
    damaged = compared.damaged
    var artifacts = compared.artifacts
    if release != rebuilt, artifacts.isEmpty {
      artifacts.append(Self.artifact(ReleaseFile.release, reader.manifest, built.manifest, place: nil))
    }
    guard reader.release.root.hash != built.release.root.hash, damaged.isEmpty else {
      files = nil
      self.artifacts = artifacts
      return
    }
    try await built.write(to: scratch, signer: nil, replacing: false)
    let (old, new) = (try ReleaseImage(directory), try ReleaseImage(scratch))
    files = try await FileChanges(from: old, to: new)
    artifacts.insert(try Self.rootImage(old, new), at: 0)
    self.artifacts = artifacts
  }
}
