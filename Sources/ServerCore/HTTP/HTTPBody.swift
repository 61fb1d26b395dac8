/// What becomes of a request that may have a body.
package enum HTTPBodyPlan: Sendable {
  /// The answer, before anything of the body is read.
  case refuse(HTTPResponse)
  case take(any HTTPBodyReceiver)
}

/// Takes a request's body as it comes, and answers in the end. One call at a time, each on a thread that may block; the
/// client is not read from meanwhile, so that nothing piles up.
package protocol HTTPBodyReceiver: AnyObject, Sendable {
  /// The next bytes.
  /// - Returns: The answer, if the rest is not wanted any more.
  func receive(_ bytes: UnsafeRawBufferPointer) -> HTTPResponse?
  /// All of it was received.
  func finish() async -> HTTPResponse
  /// The client has gone, or was too slow.
  func abandon()
}

/// Collects a short body. All of those that are collected at the same time share a budget.
package final class CollectedBody: HTTPBodyReceiver, @unchecked Sendable {
  // The server calls one method at a time, in turn.
  private var bytes: [UInt8] = []
  private let limit: Int
  private let budget: HTTPBodyBudget
  private let answer: @Sendable ([UInt8]) async -> HTTPResponse

  /// - Parameters:
  ///   - limit: The most bytes that are taken.
  ///   - answer: Asked once all of it is there.
  package init(
    limit: Int, budget: HTTPBodyBudget, answer: @escaping @Sendable ([UInt8]) async -> HTTPResponse
  ) {
    self.limit = limit
    self.budget = budget
    self.answer = answer
  }

  deinit { budget.give(bytes.count) }

  package func receive(_ more: UnsafeRawBufferPointer) -> HTTPResponse? {
    guard more.count <= limit - bytes.count else {
      return .text(413, "The body has more than the \(limit) bytes that are taken here.")
    }
    guard budget.take(more.count) else {
      return .text(503, "The server is taking too many other bodies at the moment: try again later.")
    }
    bytes.append(contentsOf: more)
    return nil
  }

  package func finish() async -> HTTPResponse { await answer(bytes) }

  package func abandon() {}
}
