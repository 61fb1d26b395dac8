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
    case waiting, receiving(HTTPRequestHead), answering, closed
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
    phase = .closed
    transfer?.end(isComplete: false)
    transfer = nil
    context.fireChannelInactive()
  }

  func channelRead(context: ChannelHandlerContext, data: NIOAny) {
    switch unwrapInboundIn(data) {
    case .head(let head):
      bodyBytes = 0
      phase = .receiving(head)
    case .body(let buffer):
      // Nobody here takes a body; a long one is not worth the waiting.
      bodyBytes += buffer.readableBytes
      if bodyBytes > HTTPServer.maximumBody, case .receiving(let head) = phase {
        send(.text(413, "No request here takes a body."), to: head, mayKeep: false, context)
      }
    case .end:
      if case .receiving(let head) = phase { answer(head, context) }
    }
  }

  func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
    if event is HTTPServer.StopEvent, case .waiting = phase { context.close(promise: nil) }
    context.fireUserInboundEventTriggered(event)
  }

  func errorCaught(context: ChannelHandlerContext, error: any Error) {
    context.close(promise: nil)
  }

  private func wait(for time: TimeAmount, _ context: ChannelHandlerContext) {
    deadline?.cancel()
    deadline = context.eventLoop.assumeIsolated().scheduleTask(in: time) { [weak self] in
      guard let self else { return }
      server.metrics.httpTimeouts.increment()
      phase = .closed
      context.close(promise: nil)
    }
  }

  private func answer(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
    deadline?.cancel()
    phase = .answering
    guard let target = RequestTarget.parse(head.uri) else {
      return send(.text(400, "This is no path that anything here could answer to."), to: head, context)
    }
    let method: HTTPRequest.Method =
      switch head.method {
      case .GET: .get
      case .HEAD: .head
      case .POST: .post
      default: .other
      }
    guard method == .get || method == .head else {
      return send(
        HTTPResponse(
          status: 405, contentType: "text/plain; charset=utf-8", headers: [("Allow", "GET, HEAD")],
          body: .bytes(Array("Only GET and HEAD are answered here.\n".utf8))), to: head, context)
    }
    let request = HTTPRequest(
      method: method, path: target.path, query: target.query,
      headers: head.headers.map { ($0.name.lowercased(), $0.value) }, peer: peer, local: local)
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
    _ response: HTTPResponse, to request: HTTPRequestHead, mayKeep: Bool = true,
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
      return finish(keeps: keeps, context)
    }
    switch response.body {
    case .bytes(let bytes):
      if !bytes.isEmpty {
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: bytes)))), promise: nil)
      }
      response.onDelivery?(HTTPDelivery(bytes: bytes.count, milliseconds: 0, isComplete: true))
      finish(keeps: keeps, context)
    case .file(let file, let range):
      let transfer = FileTransfer(
        file: file, range: range, connection: self, context: context, onDelivery: response.onDelivery
      ) { [self] isComplete in
        self.transfer = nil
        if isComplete { finish(keeps: keeps, context) } else { context.close(promise: nil) }
      }
      self.transfer = transfer
      transfer.start()
    }
  }

  private func finish(keeps: Bool, _ context: ChannelHandlerContext) {
    guard keeps else {
      let promise = context.eventLoop.makePromise(of: Void.self)
      promise.futureResult.assumeIsolated().whenComplete { _ in context.close(promise: nil) }
      context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: promise)
      return
    }
    phase = .waiting
    wait(for: server.times.nextRequest, context)
    context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
  }
}
