internal import Glibc
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import NetworkTypes
internal import Synchronization

extension HTTPServer {
  /// What every connection needs.
  final class Shared: Sendable {
    /// The same as ``Times``, in NIO's words.
    struct Amounts: Sendable {
      let firstRequest: TimeAmount
      let nextRequest: TimeAmount
      let piece: TimeAmount
      let body: TimeAmount
      let bodyBytes: Int
      let parting: TimeAmount
    }

    let responder: any HTTPResponder
    let limits: ConnectionLimits
    let metrics: HTTPMetrics
    let times: Amounts
    let threads: NIOThreadPool
    /// For bodies of requests.
    let bodyThreads: NIOThreadPool
    /// What connections that come from now on are encrypted by; `nil` without TLS.
    let tls: Mutex<SecureContext?>
    private let stopping = Atomic<Bool>(false)
    private let open = Mutex<[ObjectIdentifier: any Channel]>([:])

    init(
      responder: any HTTPResponder, limits: ConnectionLimits, metrics: HTTPMetrics, times: Times,
      threads: NIOThreadPool, bodyThreads: NIOThreadPool, tls: SecureContext?
    ) {
      self.tls = Mutex(tls)
      self.responder = responder
      self.limits = limits
      self.metrics = metrics
      self.times = Amounts(
        firstRequest: .seconds(times.firstRequest), nextRequest: .seconds(times.nextRequest),
        piece: .seconds(times.piece), body: .seconds(times.body), bodyBytes: times.bodyBytes,
        parting: .seconds(times.parting))
      self.threads = threads
      self.bodyThreads = bodyThreads
    }

    var isStopping: Bool { stopping.load(ordering: .relaxed) }

    /// True the first time.
    func stop() -> Bool { !stopping.exchange(true, ordering: .relaxed) }

    func add(_ channel: any Channel) { open.withLock { $0[ObjectIdentifier(channel)] = channel } }

    func remove(_ channel: any Channel) { open.withLock { $0[ObjectIdentifier(channel)] = nil } }

    /// Tells every connection that waits for a request to close.
    func closeIdle() {
      for channel in open.withLock({ Array($0.values) }) {
        channel.pipeline.fireUserInboundEventTriggered(StopEvent())
      }
    }

    func closeAll() {
      for channel in open.withLock({ Array($0.values) }) { channel.close(promise: nil) }
    }
  }

  /// Sent to connections when the server stops.
  struct StopEvent: Sendable {}

  /// - Parameter sharesPort: Whether IPv4 has that port to itself, so that IPv6 must not take it too.
  static func bind(
    _ listener: Listener, sharesPort: Bool, _ group: MultiThreadedEventLoopGroup, _ shared: Shared
  ) async throws -> any Channel {
    let address = "\(listener.host.contains(":") ? "[\(listener.host)]" : listener.host):\(listener.port)"
    let bootstrap = ServerBootstrap(group: group)
      .serverChannelOption(.backlog, value: 1024)
      .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
      .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
      .childChannelOption(.maxMessagesPerRead, value: 4)
      .childChannelInitializer { channel in
        initialize(channel, shared, listener.isSecure ? shared.tls.withLock(\.self)?.context : nil)
      }
    if sharesPort, listener.host.contains(":") {
      _ = bootstrap.serverChannelOption(
        ChannelOptions.Types.SocketOption(level: .ipv6, name: .ipv6_v6only), value: 1)
    }
    do {
      return try await bootstrap.bind(host: listener.host, port: listener.port).get()
    } catch let error as IOError {
      throw bindError(error.errnoCode, address)
    } catch {
      throw ServerError(.noSuchAddress, "cannot listen on \(address) for HTTP: \(error)")
    }
  }

  private static func initialize(
    _ channel: any Channel, _ shared: Shared, _ tls: NIOSSLContext?
  ) -> EventLoopFuture<Void> {
    guard let peer = address(channel.remoteAddress), let local = address(channel.localAddress) else {
      return channel.close()
    }
    guard shared.limits.open(peer) else {
      shared.metrics.httpRefusedConnections.increment()
      return channel.close()
    }
    shared.add(channel)
    shared.metrics.httpConnections.increment()
    channel.closeFuture.whenComplete { _ in
      shared.remove(channel)
      shared.limits.close(peer)
    }
    return channel.eventLoop.makeCompletedFuture {
      let pipeline = channel.pipeline.syncOperations
      if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
      // A request that comes before the answer to the last waits in the channel.
      try pipeline.configureHTTPServerPipeline(withPipeliningAssistance: true, withErrorHandling: true)
      try pipeline.addHandler(HTTPConnection(server: shared, peer: peer, local: local, isSecure: tls != nil))
    }
  }

  private static func address(_ address: SocketAddress?) -> IPAddress? {
    guard let text = address?.ipAddress else { return nil }
    // A client of IPv4 on a socket of IPv6 looks like ::ffff:192.0.2.1; a scope follows a percent sign.
    let plain = text.hasPrefix("::ffff:") && text.contains(".") ? text.dropFirst(7) : text[...]
    return IPAddress(String(plain.prefix { $0 != "%" }))
  }

  private static func bindError(_ number: CInt, _ address: String) -> ServerError {
    switch number {
    case EADDRINUSE:
      ServerError(
        .addressInUse,
        "cannot listen on \(address) for HTTP: another process has that port; stop it, or change http.listen")
    case EADDRNOTAVAIL:
      ServerError(
        .noSuchAddress,
        "cannot listen on \(address) for HTTP: this machine does not have that address; change http.listen")
    case EACCES, EPERM:
      ServerError(
        .notPermitted,
        "cannot listen on \(address) for HTTP: that takes CAP_NET_BIND_SERVICE; grant it, or choose a port above 1023"
      )
    default:
      ServerError(.system, "cannot listen on \(address) for HTTP: \(String(cString: strerror(number)))")
    }
  }

  /// A certificate with its key, ready for connections.
  struct SecureContext: Sendable {
    let context: NIOSSLContext
    /// When the server's own certificate expires, in seconds since 1970.
    let expires: Int
  }

  /// - Throws: ``ServerError`` `.certificate`.
  static func tls(_ certificate: Certificate?) throws -> SecureContext {
    guard let certificate else {
      throw ServerError(
        .certificate, "HTTPS needs a certificate and its key: set http.certificate and http.key")
    }
    do {
      let chain = try NIOSSLCertificate.fromPEMFile(certificate.chain)
      guard let own = chain.first else { throw NIOSSLError.failedToLoadCertificate }
      let key = try NIOSSLPrivateKey(file: certificate.key, format: .pem)
      var configuration = TLSConfiguration.makeServerConfiguration(
        certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key))
      configuration.minimumTLSVersion = .tlsv12
      configuration.applicationProtocols = ["http/1.1"]
      return SecureContext(
        context: try NIOSSLContext(configuration: configuration), expires: Int(own.notValidAfter))
    } catch {
      throw ServerError(
        .certificate,
        "the certificate \(certificate.chain) with the key \(certificate.key) cannot be used: are both PEM, and do they belong together?"
      )
    }
  }
}
