internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

/// The body of one request on its way from the socket to its receiver. Lives on the connection's event loop.
///
/// While the receiver is at work, or more than a little waits for it, the socket is not read from: a client that sends faster
/// than the disk writes is slowed down by TCP.
final class BodyIntake {
  /// What may wait for the receiver before reading stops.
  private static let highWater = 256 << 10

  private enum Phase {
    /// The responder is being asked what to do.
    case planning
    case taking(any HTTPBodyReceiver)
    case over
  }

  private let server: HTTPServer.Shared
  private let context: ChannelHandlerContext
  /// Told of the answer, and whether the whole body was read.
  private let completion: (HTTPResponse, Bool) -> Void
  private var phase = Phase.planning
  private var waiting: [ByteBuffer] = []
  private var waitingBytes = 0
  private var isAtWork = false
  private var isPaused = false
  private var hasEnded = false
  private var arrived = 0
  private var arrivedAtLastLook = 0
  private var watch: Scheduled<Void>?

  init(
    server: HTTPServer.Shared, context: ChannelHandlerContext,
    completion: @escaping (HTTPResponse, Bool) -> Void
  ) {
    self.server = server
    self.context = context
    self.completion = completion
  }

  /// Asks the responder.
  /// - Parameter onAccept: Called if the body is wanted, before any of it is taken.
  func start(_ request: HTTPRequest, onAccept: @escaping () -> Void) {
    scheduleLook()
    isAtWork = true
    work({ [server] in server.responder.plan(for: request) }) { [self] plan in
      switch plan {
      case .refuse(let response): end(response)
      case .take(let receiver):
        guard case .planning = phase else { return abandon(receiver) }
        phase = .taking(receiver)
        onAccept()
        pump()
      }
    }
  }

  func add(_ buffer: ByteBuffer) {
    arrived += buffer.readableBytes
    guard !isOver else { return }
    waiting.append(buffer)
    waitingBytes += buffer.readableBytes
    if waitingBytes > Self.highWater { pause(true) }
    pump()
  }

  /// The body is complete.
  func end() {
    hasEnded = true
    pump()
  }

  /// The connection is closed.
  func close() {
    guard !isOver else { return }
    let before = phase
    leave()
    if case .taking(let receiver) = before, !isAtWork { abandon(receiver) }
  }

  private var isOver: Bool { if case .over = phase { true } else { false } }

  private func pump() {
    guard case .taking(let receiver) = phase, !isAtWork else { return }
    if !waiting.isEmpty {
      let buffers = waiting
      waiting = []
      waitingBytes = 0
      isAtWork = true
      work({
        for buffer in buffers {
          if let response = buffer.withUnsafeReadableBytes({ receiver.receive($0) }) { return response }
        }
        return nil
      }) { [self] (response: HTTPResponse?) in
        // Closed meanwhile: nobody waits for an answer.
        guard case .taking = phase else { return abandon(receiver) }
        if let response { return end(response) }
        pause(waitingBytes > Self.highWater)
        pump()
      }
    } else if hasEnded {
      isAtWork = true
      let promise = context.eventLoop.makePromise(of: HTTPResponse.self)
      promise.completeWithTask { await receiver.finish() }
      promise.futureResult.assumeIsolated().whenComplete { [self] result in
        isAtWork = false
        if case .success(let response) = result { end(response) }
      }
    }
  }

  /// Does something on a thread that may block, and goes on here.
  private func work<Result: Sendable>(
    _ body: @escaping @Sendable () -> Result, then next: @escaping (Result) -> Void
  ) {
    server.bodyThreads.runIfActive(eventLoop: context.eventLoop, body).assumeIsolated().whenComplete {
      [self] result in
      isAtWork = false
      switch result {
      case .success(let value): next(value)
      case .failure: end(.text(503, "The server stops."))
      }
    }
  }

  private func abandon(_ receiver: any HTTPBodyReceiver) {
    // What it does may block; if the server stops, nobody is left to wait for it.
    server.bodyThreads.submit { _ in receiver.abandon() }
  }

  private func end(_ response: HTTPResponse) {
    guard !isOver else { return }
    let isComplete = hasEnded && waiting.isEmpty
    leave()
    completion(response, isComplete)
  }

  private func leave() {
    phase = .over
    watch?.cancel()
    waiting = []
    waitingBytes = 0
    pause(false)
  }

  private func pause(_ pauses: Bool) {
    guard pauses != isPaused else { return }
    isPaused = pauses
    _ = try? context.channel.syncOptions?.setOption(.autoRead, value: !pauses)
  }

  private func scheduleLook() {
    watch = context.eventLoop.assumeIsolated().scheduleTask(in: server.times.body) { [weak self] in
      self?.look()
    }
  }

  /// Whether enough has come since the last look. Time that this side needs is not the client's.
  private func look() {
    guard !isOver else { return }
    let isSlow = arrived - arrivedAtLastLook < server.times.bodyBytes
    arrivedAtLastLook = arrived
    guard isSlow, !hasEnded, !isAtWork, !isPaused else { return scheduleLook() }
    server.metrics.httpTimeouts.increment()
    let before = phase
    end(
      .text(
        408,
        "The body comes too slowly: try again over a better line; what came is kept where that is possible."))
    if case .taking(let receiver) = before { abandon(receiver) }
  }
}
