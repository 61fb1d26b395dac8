internal import CPosixShim
internal import Glibc

/// A request that sends something, and whose answer counts whatever its status is.
package struct TransferRequest: Sendable {
  /// A stretch of the body.
  package enum Segment: Sendable {
    case bytes([UInt8])
    /// `size` bytes of a file from `offset` on; read while they are sent.
    case file(path: String, offset: Int, size: Int)

    package var size: Int {
      switch self {
      case .bytes(let bytes): bytes.count
      case .file(_, _, let size): size
      }
    }
  }

  package let method: String
  package let address: String
  /// Further headers, each as `Name: value`.
  package var headers: [String] = []
  package var body: [Segment] = []
  /// Seconds that the server may be silent; `nil` for what the policy says.
  package var patience: Int?

  package init(_ method: String, _ address: String) {
    self.method = method
    self.address = address
  }

  /// Bytes of the body.
  package var size: Int { body.reduce(0) { $0 + $1.size } }
}

/// What came of a ``TransferRequest``.
package enum TransferAnswer: Sendable {
  /// An answer: its HTTP status, and its body as far as it was asked for.
  case answered(status: Int, body: [UInt8])
  /// None.
  case failed(TransferEnd)
}

/// Reads a request's body piece by piece. The engine's during a transfer.
final class BodySource: @unchecked Sendable {
  private let segments: [TransferRequest.Segment]
  private var index = 0
  private var offset = 0
  private var file: Int32 = -1

  init(_ segments: [TransferRequest.Segment]) { self.segments = segments }

  deinit { closeFile() }

  private func closeFile() {
    if file >= 0 { close(file) }
    file = -1
  }

  /// Fills a buffer.
  /// - Returns: How many bytes; 0 at the end; `nil` if a file cannot be read, or is shorter than it was.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Int? {
    while index < segments.count {
      let left = segments[index].size - offset
      guard left > 0 else {
        next()
        continue
      }
      let count = min(left, buffer.count)
      switch segments[index] {
      case .bytes(let bytes):
        bytes.withUnsafeBytes { buffer.copyMemory(from: .init(rebasing: $0[offset..<offset + count])) }
        offset += count
        return count
      case .file(let path, let start, _):
        if file < 0 { file = netimg_open(path, O_RDONLY | O_NONBLOCK, 0) }
        guard file >= 0 else { return nil }
        var got = pread(file, buffer.baseAddress, count, off_t(start + offset))
        while got < 0 && errno == EINTR {
          got = pread(file, buffer.baseAddress, count, off_t(start + offset))
        }
        guard got > 0 else { return nil }
        offset += got
        return got
      }
    }
    return 0
  }

  private func next() {
    closeFile()
    index += 1
    offset = 0
  }

  /// Goes to a place in the body: a connection broke, and all of it is sent again on another.
  func seek(to place: Int) -> Bool {
    closeFile()
    (index, offset) = (0, place)
    while index < segments.count, offset >= segments[index].size {
      offset -= segments[index].size
      index += 1
    }
    return place >= 0 && (index < segments.count || offset == 0)
  }
}

extension TransferRequest {
  /// A file of the body cannot be read any more, or became shorter.
  package struct Unreadable: Error {}
}
