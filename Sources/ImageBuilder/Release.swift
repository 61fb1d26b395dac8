internal import Bytes
internal import FoundationEssentials

/// `release.json`: what a release is, in full. The release's own name is the SHA-256 of this file's bytes.
///
/// docs/formats/release.md describes every key.
package struct Release: Codable, Sendable, Equatable {
  /// The version of this format; a reader refuses a higher one.
  package static let currentFormat = 1
  /// The largest release.json that is read, in bytes.
  package static let maximumSize = 16 << 20
  /// The most files that a release may list.
  package static let maximumArtifacts = 64

  package var format: Int
  /// The image's name.
  package var name: String
  package var version: String
  package var architecture: String
  /// Seconds since the epoch: the time stamp of everything inside.
  package var timestamp: UInt64
  package var source: Source
  package var kernel: Kernel
  package var root: Root
  /// The PCR 11 that a TPM shows once the UKI's own sections are measured, and after systemd's later phases.
  package var pcr11: ExpectedPCR
  /// Every file of the release except the frames and this file itself, sorted by name.
  package var artifacts: [Artifact]
  /// What the manifest excuses, with its reasons.
  package var exceptions: [Exception]
  package var builder: Builder

  /// What the release was built from.
  package struct Source: Codable, Sendable, Equatable {
    /// The git commit; absent outside a repository.
    package var commit: String?
    /// Whether the files differed from that commit.
    package var dirty: Bool
    /// The manifest's path in the repository.
    package var manifest: String
    /// SHA-256 over the manifest, the components and their files.
    package var manifestDigest: String
    /// SHA-256 of the lock file.
    package var lockDigest: String
    /// SHA-256 of the stage 0 program.
    package var stage0Digest: String
  }

  package struct Kernel: Codable, Sendable, Equatable {
    /// What `uname -r` says.
    package var release: String
    package var commandLine: String
  }

  /// The root image: what the frames make up.
  package struct Root: Codable, Sendable, Equatable {
    /// The dm-verity root hash.
    package var hash: String
    /// Bytes of the image, hash tree included.
    package var size: UInt64
    /// Bytes of the file system alone: where the verity superblock begins.
    package var dataSize: UInt64
    /// How many frames there are, and their bytes as stored.
    package var frames: Int
    package var framesSize: UInt64
  }

  /// PCR 11 in the SHA-256 bank, as lower-case hexadecimal.
  package struct ExpectedPCR: Codable, Sendable, Equatable {
    /// When the kernel starts.
    package var boot: String
  }

  package struct Artifact: Codable, Sendable, Equatable {
    package var name: String
    package var sha256: String
    package var size: UInt64
  }

  package struct Exception: Codable, Sendable, Equatable {
    package var rule: String
    package var path: String
    package var reason: String
  }

  /// What wrote the release.
  package struct Builder: Codable, Sendable, Equatable {
    /// netimg's version.
    package var version: String
    package var compressionLevel: Int
    /// Versions of the encoders, by format; another version may give other bytes.
    package var formats: [String: Int]
    /// The version of zstd; `nil` in releases from before it was recorded.
    package var zstd: String?
  }

  /// The bytes of release.json: sorted keys, two spaces of indentation, a newline at the end.
  package func encode() throws -> [UInt8] {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    return try [UInt8](encoder.encode(self)) + [0x0a]
  }

  /// Reads release.json.
  package static func decode(_ bytes: [UInt8], file: String) throws(BuildError) -> Release {
    guard bytes.count <= maximumSize else {
      throw BuildError(.verification, "\(file) is larger than \(maximumSize >> 20) MiB: this is no release")
    }
    struct Format: Codable { let format: Int }
    let release: Release
    do {
      let format = try JSONDecoder().decode(Format.self, from: Data(bytes)).format
      guard format == currentFormat else {
        throw BuildError(
          .verification,
          "\(file) has format \(format), this netimg knows \(currentFormat): use "
            + (format > currentFormat ? "a newer netimg" : "a release that netimg made"))
      }
      release = try JSONDecoder().decode(Release.self, from: Data(bytes))
    } catch let error as BuildError {
      throw error
    } catch {
      throw BuildError(.verification, "\(file) is no release: \(JSONProblem.describe(error))")
    }
    let names = Set(release.artifacts.map { ExactString($0.name) })
    guard names.count == release.artifacts.count, names.count <= maximumArtifacts else {
      throw BuildError(
        .verification,
        "\(file) lists a file twice, or more than \(maximumArtifacts) of them: this is no release")
    }
    // What is printed and what becomes part of a path: no control character, no separator.
    let words = [
      ("name", release.name), ("version", release.version), ("architecture", release.architecture),
    ]
    for (key, word) in words
    where word.isEmpty || word.utf8.count > 128 || word.hasPrefix(".")
      || !word.utf8.allSatisfy({ isPrintable($0) && $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: " ") })
    {
      throw BuildError(
        .verification, "\(file): \(key) is not one word of printable characters: this is no release")
    }
    let sentences = [
      ("kernel.release", release.kernel.release), ("kernel.commandLine", release.kernel.commandLine),
    ]
    for (key, text) in sentences where !text.utf8.allSatisfy(isPrintable) {
      throw BuildError(.verification, "\(file): \(key) has a control character: this is no release")
    }
    return release
  }

  private static func isPrintable(_ byte: UInt8) -> Bool { byte >= 0x20 && byte != 0x7f }
}

/// Says what is wrong with a JSON file in one clause.
package enum JSONProblem {
  package static func describe(_ error: any Error) -> String {
    guard let error = error as? DecodingError else { return "it is not readable" }
    switch error {
    case .keyNotFound(let key, let context): return "\(path(context.codingPath + [key])) is missing"
    case .typeMismatch(_, let context), .valueNotFound(_, let context):
      return "\(path(context.codingPath)) has the wrong type"
    case .dataCorrupted(let context):
      return context.codingPath.isEmpty
        ? "it is not JSON, or has a number that is too large"
        : "\(path(context.codingPath)) has a value that does not fit"
    @unknown default: return "it is not valid"
    }
  }

  private static func path(_ keys: [any CodingKey]) -> String {
    var text = ""
    for key in keys {
      if let index = key.intValue {
        text += "[\(index)]"
      } else {
        text += (text.isEmpty ? "" : ".") + key.stringValue
      }
    }
    return text.isEmpty ? "the whole file" : text
  }
}
