internal import BootTypes
package import NetworkTypes
package import TFTP

extension BootDirector: VirtualFiles {
  package func open(_ name: String, for peer: Endpoint, at local: IPAddress) -> VirtualFileAnswer {
    guard let parsed = BootName(path: name) else { return .unknown }
    let host =
      switch local {
      case .v4(let address): address.description
      case .v6(let address): "[\(address)]"
      }
    let base = "http://\(host):\(settings.httpPort)/"
    switch resource(parsed, base: base, isHasty: false) {
    case .file(let file, _, _): return .file(file)
    case .bytes(let bytes, _, _): return .file(BytesFile(bytes))
    case .absent, .none: return .unknown
    case .damaged(let reason, _): return .refused(reason: reason)
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
