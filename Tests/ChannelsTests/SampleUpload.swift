import Bytes
import FoundationEssentials
import FrameFormat
import Signing
import Synchronization
import TestSupport
import UpdateFramework

@testable import Channels

/// A release.json in its envelope, with files that are only bytes: what it takes to be sent. Its end is refused, for no build
/// made it.
struct SampleUpload {
  let files: [String: [UInt8]]
  let manifest: [UInt8]
  let envelope: Envelope

  var digest: String { SHA256.digest(of: manifest).hex }

  /// - Parameters:
  ///   - frames: What the index of the root image names.
  ///   - change: Changes the artifacts' list in release.json.
  init(
    _ version: String = "1.0", files: [String: [UInt8]] = [:], frames: [[UInt8]] = [], signer: KeyPair,
    change: (String) -> String = { $0 }
  ) async throws {
    let index = RootIndex(
      dataSize: 4096, rootHash: SHA256.digest(of: [1]),
      frames: frames.map { .init(digest: SHA256.digest(of: $0), storedSize: $0.count, size: 4096) }
    ).encode()
    var files = files
    files["root.index"] = index
    self.files = files
    let artifacts = files.sorted { $0.key < $1.key }.map {
      #"{"name":"\#($0.key)","sha256":"\#(SHA256.digest(of: $0.value).hex)","size":\#($0.value.count)}"#
    }
    let text = """
      {"format":1,"name":"router","version":"\(version)","architecture":"amd64","timestamp":0,
       "source":{"dirty":false,"manifest":"m","manifestDigest":"m","lockDigest":"l","stage0Digest":"s"},
       "kernel":{"release":"6.12","commandLine":"quiet"},
       "root":{"hash":"h","size":4096,"dataSize":4096,"frames":\(frames.count),"framesSize":0},
       "pcr11":{"boot":"b"},"exceptions":[],
       "builder":{"version":"0","compressionLevel":1,"formats":{}},
       "artifacts":[\(change(artifacts.joined(separator: ",")))]}
      """
    manifest = Array(text.utf8)
    envelope = try await Envelope.sign(
      payloadType: "application/vnd.netimg.release+json", payload: manifest, signers: [FileSigner(signer)])
  }

  static func digest(_ bytes: [UInt8]) -> String { SHA256.digest(of: bytes).hex }

  static func bytes(_ count: Int, _ seed: UInt8 = 0) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) &+ seed }
  }
}

extension UploadStore {
  /// Sends bytes as one request would.
  func send(
    _ bytes: [UInt8], as digest: String, of release: String, from offset: Int = 0, isComposed: Bool = false
  ) throws {
    guard
      let reception = try receive(
        digest, of: release, from: offset, length: bytes.count, isComposed: isComposed)
    else { return }
    // As it comes from a socket: in pieces that end anywhere.
    for start in stride(from: 0, to: bytes.count, by: 1000) {
      let piece = Array(bytes[start..<min(start + 1000, bytes.count)])
      do { try piece.withUnsafeBytes { try reception.receive($0) } } catch {
        reception.abandon()
        throw error
      }
    }
    try reception.finish()
  }
}

extension UploadStore {
  /// How an attempt to begin ends.
  func begun(_ envelope: [UInt8]) -> String { uploadCode { _ = try begin(envelope) } }
}

/// The code of the error that an attempt ends with.
func uploadCode(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "taken"
  } catch let error as UploadError {
    return "\(error.code)"
  } catch {
    return "\(error)"
  }
}

/// The same of one that takes its time.
func uploadRefusal(_ body: () async throws -> Void) async -> String {
  do {
    try await body()
    return "taken"
  } catch let error as UploadError {
    return "\(error.code)"
  } catch {
    return "\(error)"
  }
}
