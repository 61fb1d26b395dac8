package import Transfers

/// Gets files from a repository. It may lie, stall and fail as it likes: nothing that it brings is trusted.
package protocol Fetcher: Sendable {
  /// Fetches the bytes at a URL into a sink.
  /// - Parameter limit: The most bytes that the sink will take; a file that is known to be longer need not
  ///   begin.
  /// - Throws: `notAvailable`, `unreachable`, `tooLarge`, `tooSlow`, or what the sink threw.
  func fetch(_ url: String, limit: Int, into sink: any TransferSink) async throws
  /// Fetches the bytes from `offset` on, to go on with an interrupted transfer.
  func fetch(_ url: String, from offset: Int, limit: Int, into sink: any TransferSink) async throws
}

extension Fetcher {
  package func fetch(_ url: String, from offset: Int, limit: Int, into sink: any TransferSink) async throws {
    try await fetch(url, limit: limit, into: offset == 0 ? sink : SkippingSink(offset, sink))
  }
}

/// Leaves out the beginning. The fetcher's during a transfer.
private final class SkippingSink: TransferSink, @unchecked Sendable {
  private var left: Int
  private let sink: any TransferSink

  init(_ count: Int, _ sink: any TransferSink) {
    left = count
    self.sink = sink
  }

  func receive(_ bytes: UnsafeRawBufferPointer) throws {
    let skipped = min(left, bytes.count)
    left -= skipped
    if skipped < bytes.count { try sink.receive(UnsafeRawBufferPointer(rebasing: bytes[skipped...])) }
  }
}

extension Fetcher {
  /// Fetches a file into memory.
  func fetch(_ url: String, limit: Int) async throws -> [UInt8] {
    let sink = MemorySink(limit: limit)
    do {
      try await fetch(url, limit: limit, into: sink)
    } catch is MemorySink.LimitReached {
      throw UpdateError(
        .tooLarge, "\(url) has more than the \(limit) bytes that are allowed; the mirror lies, use another")
    }
    return sink.bytes
  }
}

/// Fetches by HTTP, HTTPS and from local files (libcurl).
package final class HTTPFetcher: Fetcher {
  private let engine: TransferEngine

  /// - Throws: `unreachable` if the machine is out of memory or threads.
  package init(policy: TransferPolicy = TransferPolicy()) throws(UpdateError) {
    do {
      engine = try TransferEngine(policy: policy)
    } catch {
      throw UpdateError(.unreachable, "\(error)")
    }
  }

  deinit { engine.stop() }

  package func fetch(_ url: String, limit: Int, into sink: any TransferSink) async throws {
    try await fetch(url, from: 0, limit: limit, into: sink)
  }

  package func fetch(_ url: String, from offset: Int, limit: Int, into sink: any TransferSink) async throws {
    switch await engine.perform(address: url, offset: offset, limit: limit, into: sink) {
    case .complete: return
    // 403 is what object storage answers for a file that is not there, to those who may not list.
    case .status(let status) where status == 404 || status == 403:
      throw UpdateError(.notAvailable, "\(url) is not there (HTTP status \(status)); check the address")
    case .status(let status):
      throw UpdateError(
        .unreachable, "\(url) gave HTTP status \(status); try again later, or use another mirror")
    case .tooLarge:
      throw UpdateError(
        .tooLarge, "\(url) has more than the \(limit) bytes that are allowed; the mirror lies, use another")
    case .timedOut(let reason):
      throw UpdateError(.tooSlow, "\(url): \(reason); try again later, or use another mirror")
    case .failed(let reason):
      throw UpdateError(.unreachable, "\(url): \(reason); check the network and the address")
    case .sinkFailed(let error): throw error
    case .cancelled: throw CancellationError()
    }
  }
}
