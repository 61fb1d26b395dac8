internal import Synchronization
package import Transfers
package import UpdateFramework

/// Counts what a fetcher brings.
package final class CountingFetcher: Fetcher {
  private let fetcher: any Fetcher
  private let count = Atomic<Int>(0)

  package init(_ fetcher: any Fetcher) { self.fetcher = fetcher }

  /// Bytes of bodies so far.
  package var bytes: Int { count.load(ordering: .relaxed) }

  package func fetch(_ url: String, limit: Int, into sink: any TransferSink) async throws {
    try await fetch(url, from: 0, limit: limit, into: sink)
  }

  package func fetch(_ url: String, from offset: Int, limit: Int, into sink: any TransferSink) async throws {
    try await fetcher.fetch(
      url, from: offset, limit: limit,
      into: Sink(sink) { [self] in count.wrappingAdd($0, ordering: .relaxed) })
  }

  private final class Sink: TransferSink {
    private let sink: any TransferSink
    private let note: @Sendable (Int) -> Void

    init(_ sink: any TransferSink, note: @escaping @Sendable (Int) -> Void) {
      self.sink = sink
      self.note = note
    }

    func receive(_ bytes: UnsafeRawBufferPointer) throws {
      note(bytes.count)
      try sink.receive(bytes)
    }
  }
}
