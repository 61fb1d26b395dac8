internal import BootTypes
internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NetworkTypes

/// One connection: takes a request, asks the responder, sends the answer, and again.
///
/// Time is limited everywhere: a request that does not come, and a client that does not take its answer, are cut off.
final class HTTPConnection: ChannelInboundHandler {
  typealias InboundIn = HTTPServerRequestPart
  typealias OutboundOut = HTTPServerResponsePart

  private enum Phase {
    case waiting, receiving(HTTPRequestHead), taking(HTTPRequestHead, BodyIntake), answering, parting, closed

    var isOpen: Bool { if case .closed = self { false } else { true } }
  }

  let server: HTTPServer.Shared
  let peer: IPAddress
  let local: IPAddress
  /// TLS cannot send files by itself.
  let isSecure: Bool
  private var phase = Phase.waiting
  private var deadline: Scheduled<Void>?
  private var bodyBytes = 0
  var transfer: FileTransfer?
  /// Writes that the client has not taken yet, and when that will have lasted too long.
  private var untaken = 0
  private var untakenDeadline: Scheduled<Void>?

  init(server: HTTPServer.Shared, peer: IPAddress, local: IPAddress, isSecure: Bool) {
    self.server = server
    self.peer = peer
    self.local = local
    self.isSecure = isSecure
  }

  func channelActive(context: ChannelHandlerContext) {
    wait(for: server.times.firstRequest, context)
    context.fireChannelActive()
  }

  func channelInactive(context: ChannelHandlerContext) {
    deadline?.cancel()
    if case .taking(_, let intake) = phase { intake.close() }
    untakenDeadline?.cancel()
    phase = .closed
    transfer?.end(isComplete: false)
    transfer = nil
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      bodyBytes = 0
      begin(head, context)
    case .body(let buffer):
      bodyBytes += buffer.readableBytes
      switch phase {
      case .taking(_, let intake): intake.add(buffer)
      case .receiving(let head) where bodyBytes > HTTPServer.maximumBody:
        // Nobody takes this body; a long one is not worth the waiting.
        send(.text(413, "This request takes no body."), to: head, mayKeep: false, context)
      case .parting where bodyBytes > HTTPServer.partingBody: context.close(promise: nil)
      default: break
      }
    case .end:
      switch phase {
      case .taking(_, let intake): intake.end()
      case .receiving(let head): answer(head, context)
      case .parting: context.close(promise: nil)
      default: break
      }
    }
  }

  /// What reads is answered when it is complete; what changes something is looked at before its body is taken.
  private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    guard head.method != .GET, head.method != .HEAD else {
      phase = .receiving(head)
      return
    }
    deadline?.cancel()
    let intake = BodyIntake(server: server, context: context) { [self] response, isComplete in
      guard case .taking = phase else { return }
      send(response, to: head, mayKeep: isComplete, parts: !isComplete, context)
    }
    phase = .taking(head, intake)
    guard let request = request(head) else {
      return send(Self.badTarget, to: head, mayKeep: false, parts: true, context)
    }
    intake.start(request) { [self] in
      guard case .taking = phase,
        head.headers["expect"].contains(where: { $0.lowercased() == "100-continue" }),
        head.version.major > 1 || head.version.minor >= 1
      else { return }
      let go = HTTPResponseHead(version: head.version, status: .continue)
      context.writeAndFlush(wrapOutboundOut(.head(go)), promise: nil)
    }
  }

  private static let badTarget = HTTPResponse.text(
    400, "This is no path that anything here could answer to.")

  private func request(_ head: HTTPRequestHead) -> HTTPRequest? {
    guard let target = RequestTarget.parse(head.uri) else { return nil }
    return HTTPRequest(
      method: HTTPRequest.Method(rawValue: head.method.rawValue) ?? .other, path: target.path,
      query: target.query, headers: head.headers.map { ($0.name.lowercased(), $0.value) }, peer: peer,
      local: local)
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is HTTPServer.StopEvent, case .waiting = phase, untaken == 0 { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  private func wait(for time: TimeAmount, counts: Bool = true, _ context: ChannelHandlerContext) {
    deadline?.cancel()
    deadline = context.eventLoop.assumeIsolated().scheduleTask(in: time) { [weak self] in
      guard let self else { return }
      if counts { server.metrics.httpTimeouts.increment() }
      phase = .closed
      context.close(promise: nil)
    }
  }

  private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    deadline?.cancel()
    phase = .answering
    guard let request = request(head) else { return send(Self.badTarget, to: head, context) }
    if let response = server.responder.respondAtOnce(to: request) { return send(response, to: head, context) }
    let loop = context.eventLoop
    server.threads.runIfActive(eventLoop: loop) { [server] in server.responder.respond(to: request) }
      .assumeIsolated()
      .whenComplete { [self] result in
        guard case .answering = phase else {
          if case .success(let response) = result {
            response.onDelivery?(HTTPDelivery(bytes: 0, milliseconds: 0, isComplete: false))
          }
          return
        }
        switch result {
        case .success(let response): send(response, to: head, context)
        case .failure: send(.text(503, "The server stops."), to: head, mayKeep: false, context)
        }
      }
  }

  /// Sends a response; HEAD gets its head alone.
  private func send(
    _ response: HTTPResponse, to request: HTTPRequestHead, mayKeep: Bool = true, parts: Bool = false,
    _ context: ChannelHandlerContext
  ) {
    phase = .answering
    let keeps = mayKeep && request.isKeepAlive && !server.isStopping
    server.metrics.httpResponses.increment(response.status)
    var headers = HTTPHeaders()
    headers.add(name: "Content-Length", value: String(response.length))
    headers.add(name: "Content-Type", value: response.contentType)
    for header in response.headers { headers.add(name: header.name, value: header.value) }
    headers.add(name: "Date", value: HTTPDate.now)
    headers.add(name: "Connection", value: keeps ? "keep-alive" : "close")
    let head = HTTPResponseHead(
      version: request.version, status: HTTPResponseStatus(statusCode: response.status), headers: headers)
    context.write(wrapOutboundOut(.head(head)), promise: nil)
    if request.method == .HEAD {
      response.onDelivery?(HTTPDelivery(bytes: 0, milliseconds: 0, isComplete: true))
      return finish(keeps: keeps, parts: parts, context)
    }
    switch response.body {
    case .bytes(let bytes):
      var rest = ByteBuffer(bytes: bytes)
      while let piece = rest.readSlice(length: min(rest.readableBytes, Self.pieceSize)),
        piece.readableBytes > 0
      {
        context.write(wrapOutboundOut(.body(.byteBuffer(piece))), promise: written(context) {})
      }
      response.onDelivery?(HTTPDelivery(bytes: bytes.count, milliseconds: 0, isComplete: true))
      finish(keeps: keeps, parts: parts, context)
    case .file(let file, let range):
      let transfer = FileTransfer(
        file: file, range: range, connection: self, context: context, onDelivery: response.onDelivery
      ) { [self] isComplete in
        self.transfer = nil
        if isComplete { finish(keeps: keeps, parts: parts, context) } else { context.close(promise: nil) }
      }
      self.transfer = transfer
      transfer.start()
    }
  }

  /// - Parameter parts: Whether the client is still sending a body that nobody wants. To close at once would make its
  ///   kernel throw the answer away.
  private func finish(keeps: Bool, parts: Bool, _ context: ChannelHandlerContext) {
    if parts {
      phase = .parting
      bodyBytes = 0
      wait(for: server.times.parting, counts: false, context)
      return context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
    guard keeps else {
      let promise = written(context) { context.close(promise: nil) }
      return context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: promise)
    }
    phase = .waiting
    let promise = written(context) { [weak self] in
      // The next request is waited for from here on, unless it has come already.
      guard let self, case .waiting = phase, untaken == 0 else { return }
      server.isStopping ? context.close(promise: nil) : wait(for: server.times.nextRequest, context)
    }
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: promise)
  }

  /// How much of an answer in memory the client has to take in the time for a piece, in bytes.
  private static let pieceSize = 256 << 10

  /// A promise for a write that the client has to take within the time for a piece; each that it takes gives it as long
  /// for the next.
  private func written(
    _ context: ChannelHandlerContext, then: @escaping () -> Void
  ) -> EventLoopPromise<Void> {
    if untaken == 0 { expectTaking(context) }
    untaken += 1
    let promise = context.eventLoop.makePromise(of: Void.self)
    promise.futureResult.assumeIsolated().whenComplete { [self] _ in
      untaken -= 1
      untakenDeadline?.cancel()
      guard context.channel.isActive else { return }
      if untaken > 0 { expectTaking(context) }
      then()
    }
    return promise
  }

  private func expectTaking(_ context: ChannelHandlerContext) {
    untakenDeadline?.cancel()
    untakenDeadline = context.eventLoop.assumeIsolated().scheduleTask(in: server.times.piece) { [weak self] in
      guard let self, phase.isOpen else { return }
      server.metrics.httpTimeouts.increment()
      phase = .closed
      context.close(promise: nil)
    }
  }
}
