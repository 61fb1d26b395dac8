/// Collects a body of bounded length. Owned by the engine's thread until the transfer has ended.
package final class MemorySink: TransferSink, @unchecked Sendable {
  /// What has arrived.
  package private(set) var bytes: [UInt8] = []
  private let limit: Int

  /// - Parameter limit: The most bytes that are taken; one more ends the transfer with ``LimitReached``.
  package init(limit: Int) { self.limit = limit }

  /// The body is longer than the limit.
  package struct LimitReached: Error {}

  package func receive(_ more: UnsafeRawBufferPointer) throws {
    guard more.count <= limit - bytes.count else { throw LimitReached() }
    bytes.append(contentsOf: more)
  }
}
