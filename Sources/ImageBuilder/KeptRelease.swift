package import Bytes

/// A finished release as the store remembers it: its release.json, and how every other file is put together.
package struct KeptRelease: Sendable {
  /// A run of bytes of a file.
  enum Segment: Sendable, Equatable {
    case literal([UInt8])
    case blob(SHA256Digest, size: Int)
  }

  /// A file except release.json and the envelopes.
  struct File: Sendable {
    let name: String
    let size: Int
    let digest: SHA256Digest
    let segments: [Segment]
  }

  package let release: Release
  /// The bytes of release.json.
  package let manifest: [UInt8]
  let files: [File]

  /// The release's name: the SHA-256 of release.json.
  package var digest: SHA256Digest { SHA256.digest(of: manifest) }

  init(release: Release, manifest: [UInt8], files: [File]) {
    self.release = release
    self.manifest = manifest
    self.files = files
  }
}

/// Integers are little-endian; texts and lists begin with their length in 4 bytes.
extension KeptRelease {
  func encode() -> [UInt8] {
    var writer = ByteWriter()
    func count(_ number: Int) { writer.littleEndian(UInt32(number)) }
    count(manifest.count)
    writer.append(manifest)
    count(files.count)
    for file in files {
      count(file.name.utf8.count)
      writer.append(file.name.utf8)
      writer.littleEndian(UInt64(file.size))
      writer.append(file.digest.bytes)
      count(file.segments.count)
      for segment in file.segments {
        switch segment {
        case .literal(let bytes):
          writer.append([0])
          count(bytes.count)
          writer.append(bytes)
        case .blob(let digest, let size):
          writer.append([1])
          writer.littleEndian(UInt64(size))
          writer.append(digest.bytes)
        }
      }
    }
    return writer.bytes
  }

  /// Throws for anything that `encode` does not write.
  init(decoding bytes: [UInt8]) throws {
    var reader = ByteReader(bytes)
    let manifestSize = Int(try reader.littleEndian(UInt32.self, "size of release.json"))
    manifest = Array(try reader.read(manifestSize, "release.json"))
    release = try Release.decode(manifest, file: ReleaseFile.release)
    var files: [File] = []
    for _ in 0..<(try reader.littleEndian(UInt32.self, "number of files")) {
      let nameSize = Int(try reader.littleEndian(UInt32.self, "length of a name"))
      let name = String(decoding: try reader.read(nameSize, "name"), as: UTF8.self)
      let size = try Self.size(&reader)
      let digest = try Self.digest(&reader)
      var segments: [Segment] = []
      for _ in 0..<(try reader.littleEndian(UInt32.self, "number of segments")) {
        switch try reader.read(1, "kind of a segment").first {
        case 0:
          let count = Int(try reader.littleEndian(UInt32.self, "length of a segment"))
          segments.append(.literal(Array(try reader.read(count, "segment"))))
        case 1:
          let size = try Self.size(&reader)
          segments.append(.blob(try Self.digest(&reader), size: size))
        default: throw Self.damaged
        }
      }
      files.append(File(name: name, size: size, digest: digest, segments: segments))
    }
    guard reader.remaining == 0 else { throw Self.damaged }
    self.files = files
  }

  private static func size(_ reader: inout ByteReader) throws -> Int {
    let size = try reader.littleEndian(UInt64.self, "size")
    guard size < 1 << 40 else { throw damaged }
    return Int(size)
  }

  private static func digest(_ reader: inout ByteReader) throws -> SHA256Digest {
    guard let digest = SHA256Digest(try reader.read(SHA256Digest.byteCount, "digest")) else { throw damaged }
    return digest
  }

  private static var damaged: BuildError { BuildError(.badInput, "a record of a release is damaged") }
}
