internal import Bytes
internal import Signing

/// A file that a release names.
package struct UploadItem: Codable, Sendable, Hashable {
  /// What the release calls it: `initrd`, `frames/…`.
  package let name: String
  package let sha256: String
  package let size: Int
  /// Bytes that came before a transfer was cut off.
  package var received: Int?
}

/// What a server says of an upload: the answer to its beginning, and whenever somebody asks.
package struct UploadState: Codable, Sendable {
  /// SHA-256 of release.json, which names the upload too.
  package let release: String
  package let image: String
  package let version: String
  /// Whether the release is in the repository's list, or in the library.
  package let published: Bool
  /// Whether the index of the root image is here. Before, no frame is known to be missing, and none is taken.
  package let indexed: Bool
  /// What is not here, each content once.
  package let missing: [UploadItem]
  /// What lies beside the artifacts of a release that is published, by SHA-256.
  package let companions: [String: String]
}

/// What came of the end of an upload.
package struct UploadOutcome: Codable, Sendable {
  package let release: String
  package let image: String
  package let version: String
  /// Whether anything changed: it was there, and well, if not.
  package let changed: Bool
}

/// Bytes that are asked after, by their SHA-256.
package struct UploadQuestion: Sendable {
  package static let maximumSize = 4 << 20
  let parts: [(digest: String, size: Int)]

  /// - Throws: `UploadError` `.malformed`.
  package init(_ bytes: [UInt8]) throws(UploadError) {
    let wrong = UploadError(
      .malformed, "the question is not as docs/formats/upload.md says; use another netimg")
    guard let value = try? JSONParser.parse(bytes, maximumSize: Self.maximumSize, maximumDepth: 4),
      let elements = value["files"]?.elements, elements.count <= Recipe.maximumParts
    else { throw wrong }
    var parts: [(digest: String, size: Int)] = []
    for element in elements {
      guard case .object(let digest, let size) = Recipe.Part(element, room: 1 << 30) else { throw wrong }
      parts.append((digest, size))
    }
    self.parts = parts
  }

  static func encode(_ parts: [(digest: String, size: Int)]) -> [UInt8] {
    let files = parts.map { JSONValue.object(Recipe.Part.object($0.digest, $0.size).members) }
    return Array(JSONValue.object([JSONMember("files", .array(files))]).encoded.utf8)
  }
}

/// The answer to an ``UploadQuestion``.
package struct UploadReply: Codable, Sendable {
  /// What is not here, by SHA-256.
  package let missing: [String]
}
