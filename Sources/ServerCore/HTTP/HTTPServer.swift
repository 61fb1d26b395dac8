internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import NetworkTypes
internal import ServiceLifecycle
internal import Synchronization

/// HTTP/1.1 and 1.0 listeners, with TLS or without. All of them listen, or none does.
package final class HTTPServer: Service {
  /// An address to listen on.
  package struct Listener: Sendable, Hashable {
    package var host: String
    package var port: Int
    package var isSecure: Bool

    package init(host: String, port: Int, isSecure: Bool = false) {
      self.host = host
      self.port = port
      self.isSecure = isSecure
    }
  }

  /// How long things may take.
  package struct Times: Sendable {
    /// From the connection to the end of the first request's head, and from one answer to the next request.
    package var firstRequest: TimeAmountInSeconds = 10
    package var nextRequest: TimeAmountInSeconds = 30
    /// For a client to take a megabyte of a file.
    package var piece: TimeAmountInSeconds = 120
    /// For a client to send `bodyBytes` of a request's body.
    package var body: TimeAmountInSeconds = 20
    package var bodyBytes = 20 << 10
    /// For a client to take an answer to a request whose body is not read to its end.
    package var parting: TimeAmountInSeconds = 2
    /// For transfers under way when the server stops.
    package var drain: TimeAmountInSeconds = 5

    package init() {}
  }
  package typealias TimeAmountInSeconds = Int64

  /// The PEM files of a certificate with its chain, and of its key.
  package struct Certificate: Sendable, Hashable {
    package var chain: String
    package var key: String

    package init(chain: String, key: String) {
      self.chain = chain
      self.key = key
    }
  }

  /// The longest body of a request that has none to give, in bytes; it is thrown away.
  static let maximumBody = 16 << 10
  /// How much of a body that nobody wants is read, so that the client comes to see the answer.
  static let partingBody = 4 << 20

  let shared: Shared
  private let channels: [any Channel]
  private let group: MultiThreadedEventLoopGroup
  private let drain: Int64
  /// The addresses with their ports, also where the kernel chose one.
  package let addresses: [Listener]

  /// Binds every listener. From here on clients can connect.
  /// - Throws: ``ServerError``: what cannot be bound, and why.
  package init(
    listeners: [Listener], certificate: Certificate?, responder: any HTTPResponder, limits: ConnectionLimits,
    metrics: HTTPMetrics, times: Times = Times(), threads: Int
  ) async throws {
    let group = MultiThreadedEventLoopGroup(numberOfThreads: threads)
    let pool = NIOThreadPool(numberOfThreads: max(2, threads))
    pool.start()
    // Bodies are written to disk: no device that boots is to wait for that.
    let bodies = NIOThreadPool(numberOfThreads: 2)
    bodies.start()
    var channels: [any Channel] = []
    var addresses: [Listener] = []
    let shared: Shared
    do {
      shared = Shared(
        responder: responder, limits: limits, metrics: metrics, times: times, threads: pool,
        bodyThreads: bodies, tls: try listeners.contains(where: \.isSecure) ? Self.tls(certificate) : nil)
      for listener in listeners {
        let sharesPort = listeners.contains {
          $0.port == listener.port && $0.port != 0 && !$0.host.contains(":")
        }
        let channel = try await Self.bind(listener, sharesPort: sharesPort, group, shared)
        channels.append(channel)
        addresses.append(
          Listener(
            host: listener.host, port: channel.localAddress?.port ?? listener.port,
            isSecure: listener.isSecure))
      }
    } catch {
      for channel in channels { try? await channel.close() }
      try? await pool.shutdownGracefully()
      try? await bodies.shutdownGracefully()
      try? await group.shutdownGracefully()
      throw error
    }
    self.shared = shared
    self.channels = channels
    self.addresses = addresses
    self.group = group
    drain = times.drain
  }

  /// Another certificate, for connections that come from now on: those that are open go on with theirs.
  /// - Throws: ``ServerError`` `.certificate`, and nothing is changed.
  package func renew(_ certificate: Certificate?) throws {
    guard addresses.contains(where: \.isSecure) else { return }
    let context = try Self.tls(certificate)
    shared.tls.withLock { $0 = context }
  }

  /// When the certificate expires, in seconds since 1970; `nil` without TLS.
  package var certificateExpiry: Int? { shared.tls.withLock(\.self)?.expires }

  /// Serves until a graceful stop, which lets transfers under way come to their end; a listener that closes by itself is
  /// an error.
  package func run() async throws {
    let failure: (any Error)? = await withTaskCancellationOrGracefulShutdownHandler {
      await withTaskGroup(of: (any Error)?.self) { tasks in
        for channel in channels {
          tasks.addTask {
            do {
              try await channel.closeFuture.get()
              return self.shared.isStopping ? nil : ServerError(.system, "an HTTP listener closed by itself")
            } catch { return error }
          }
        }
        for await failure in tasks where failure != nil { return failure }
        return nil
      }
    } onCancelOrGracefulShutdown: {
      self.stopListening()
    }
    stopListening()
    let deadline = ContinuousClock.now + .seconds(drain)
    while shared.limits.count > 0, ContinuousClock.now < deadline, !Task.isCancelled {
      shared.closeIdle()
      try? await Task.sleep(for: .milliseconds(20))
    }
    shared.closeAll()
    try? await shared.threads.shutdownGracefully()
    try? await shared.bodyThreads.shutdownGracefully()
    try? await group.shutdownGracefully()
    if let failure { throw failure }
  }

  private func stopListening() {
    guard shared.stop() else { return }
    for channel in channels { channel.close(promise: nil) }
  }
}
