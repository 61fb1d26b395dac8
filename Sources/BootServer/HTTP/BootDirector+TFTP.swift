internal import BootTypes
package import NetworkTypes
internal import Synchronization
package import TFTP

extension BootDirector: VirtualFiles {
  package func open(_ name: String, for peer: Endpoint, at local: IPAddress) -> VirtualFileAnswer {
    guard let parsed = BootName(path: name) else { return .unknown }
    let host =
      switch local {
      case .v4(let address): address.description
      case .v6(let address): "[\(address)]"
      }
    // Who loads a script by TFTP has no HTTP: what the script names is here too, under the same names.
    switch resource(parsed, base: "tftp://\(host)/", peer: peer.address, isHasty: true) {
    case .file(let file, _, _): return .file(ReadAhead(file))
    case .bytes(let bytes, _, _): return .file(BytesFile(bytes))
    case .absent: return .unknown
    // Its bytes have to be read first, and not on this thread: every transfer waits for it.
    case .none: return later(parsed)
    case .damaged(let reason, _): return .refused(reason: reason)
    }
  }

  /// A file whose bytes nobody has looked at lately: another thread does, and the client asks again meanwhile.
  private func later(_ name: BootName) -> VirtualFileAnswer {
    let result: Result<ArtifactFile, BootServerError>?
    switch name {
    case .content(let digest): result = library.openSoon(content: digest)
    case .artifact(let device, let release, let name):
      guard let chosen = release ?? verdict(for: device, firmware: nil).release?.digest else {
        return .unknown
      }
      result = library.openSoon(chosen, name)
    case .program, .script: return .unknown
    }
    switch result {
    case .none: return .later
    case .success(let file): return .file(ReadAhead(file))
    case .failure(let error): return error.code == .notFound ? .unknown : .refused(reason: error.message)
    }
  }
}

/// One transfer's view of a file that many share: small blocks are read some at a time.
final class ReadAhead: VirtualFile {
  private static let count = 32 << 10

  private let file: ArtifactFile
  private let buffer = Mutex<(bytes: [UInt8], offset: Int)>(([], 0))

  init(_ file: ArtifactFile) { self.file = file }

  var size: Int { file.size }

  func read(into target: UnsafeMutableRawBufferPointer, at offset: Int) throws {
    if target.count > Self.count / 4 { return try file.read(into: target, at: offset) }
    try buffer.withLock { buffer in
      if offset < buffer.offset || offset + target.count > buffer.offset + buffer.bytes.count {
        var bytes = [UInt8](repeating: 0, count: min(Self.count, size - offset))
        try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: offset) }
        buffer = (bytes, offset)
      }
      buffer.bytes.withUnsafeBytes {
        let start = offset - buffer.offset
        target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + target.count]))
      }
    }
  }
}

/// A file in memory.
struct BytesFile: VirtualFile {
  private let bytes: [UInt8]

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  var size: Int { bytes.count }

  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws {
    bytes.withUnsafeBytes {
      buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + buffer.count]))
    }
  }
}
