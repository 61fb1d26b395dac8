import Foundation
import NetworkTypes
import ServerCore
import TestSupport
import Testing

private let hasCurl: ConditionTrait = .enabled(if: findTool("curl") != nil, "curl is missing")

@Suite struct HTTPServerTests {
  private func curl(_ arguments: [String]) throws -> SubprocessResult {
    try run(["curl", "-sS", "--max-time", "60"] + arguments)
  }

  @Test(hasCurl, arguments: [0, 1, 65_536, 65_537, 1 << 20, 7_000_001])
  func filesArriveWhole(_ size: Int) async throws {
    let file = SampleFile(size: size)
    try await withServer(file: file) { port, responder, _ async throws in
      let result = try curl(["http://127.0.0.1:\(port)/file"])
      #expect(result.output == SampleFile.bytes(size))
      // The client may have it before the server knows that it has.
      while responder.delivered.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
      #expect(responder.delivered.map(\.bytes) == [size])
      #expect(responder.delivered.allSatisfy { $0.isComplete })
    }
  }

  @Test(hasCurl) func manyRequestsOnOneConnection() async throws {
    let file = SampleFile(size: 300_000)
    try await withServer(file: file) { port, _, _ async throws in
      let url = "http://127.0.0.1:\(port)/file"
      let result = try curl([
        "-w", "%{num_connects} ", "-o", "/dev/null", url, "-o", "/dev/null", url, "-o", "/dev/null", url,
      ])
      #expect(result.text == "1 0 0 ")
    }
  }

  @Test(hasCurl) func aPartAndAHead() async throws {
    try await withServer(file: SampleFile(size: 5_000_000)) { port, _, _ async throws in
      let part = try curl(["-r", "1000000-4999998", "http://127.0.0.1:\(port)/file"])
      #expect(part.output == Array(SampleFile.bytes(5_000_000)[1_000_000..<4_999_999]))
      let head = try curl(["-I", "http://127.0.0.1:\(port)/file"])
      #expect(head.text.contains("Content-Length: 5000000\r\n") && head.text.hasPrefix("HTTP/1.1 200"))
    }
  }

  @Test(hasCurl) func slowAnswersAndOldClients() async throws {
    try await withServer { port, _, _ async throws in
      #expect(
        try curl(["http://127.0.0.1:\(port)/slow/x"]).text.contains(#"path ["slow", "x"] peer 127.0.0.1"#))
      let old = try curl(["-0", "-i", "http://127.0.0.1:\(port)/x"])
      #expect(old.text.hasPrefix("HTTP/1.0 200") && old.text.contains("Connection: close"))
    }
  }

  @Test func oneByteAtATimeAndTwoAtOnce() async throws {
    try await withServer { port, _, _ async throws in
      let connection = try RawConnection(port: port)
      for character in "GET /a HTTP/1.1\r\nHost: x\r\n\r\n" { connection.send(String(character)) }
      #expect(connection.read(until: "127.0.0.1\n").contains(#"path ["a"]"#))
      connection.send(
        "GET /b HTTP/1.1\r\nHost: x\r\n\r\nGET /c HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
      let both = connection.read()
      let first = try #require(both.range(of: #"["b"]"#)), second = try #require(both.range(of: #"["c"]"#))
      #expect(first.lowerBound < second.lowerBound)
    }
  }

  @Test(arguments: [
    ("GET /../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 400"),
    ("GET /%2e%2e/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "HTTP/1.1 400"),
    ("POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", "HTTP/1.1 405"),
    (
      "PUT /x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n\(String(repeating: "x", count: 100_000))",
      "HTTP/1.1 405"
    ),
    (
      "GET /x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n\(String(repeating: "x", count: 100_000))",
      "HTTP/1.1 413"
    ),
    ("NONSENSE\r\n\r\n", "HTTP/1.1 400"),
    ("GET /x HTTP/1.1\r\nA: \(String(repeating: "x", count: 200_000))\r\n\r\n", "HTTP/1.1 400"),
    (
      "GET /\(String(repeating: "x", count: 5000)) HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
      "HTTP/1.1 400"
    ),
  ])
  func hostileRequestsAreRefused(_ request: String, _ expected: String) async throws {
    try await withServer { port, _, _ async throws in
      let connection = try RawConnection(port: port)
      connection.send(request)
      let answer = connection.read()
      // A connection that is cut while the client still sends may lose the answer, but is over.
      #expect(
        answer.hasPrefix(expected) || (answer.isEmpty && request.utf8.count > 60_000), "\(answer.prefix(200))"
      )
    }
  }

  @Test func slowClientsAreCutOff() async throws {
    var times = HTTPServer.Times()
    times.firstRequest = 1
    try await withServer(times: times) { port, responder, _ async throws in
      let silent = try RawConnection(port: port)
      let slow = try RawConnection(port: port)
      slow.send("GET /x HTTP/1.1\r\nHost: x\r\nA:")
      #expect(silent.read().isEmpty && slow.read().isEmpty)
      #expect(responder.asked.isEmpty)
    }
  }

  @Test func aClientThatTakesNothingIsCutOff() async throws {
    var times = HTTPServer.Times()
    times.piece = 1
    let file = SampleFile(size: 30_000_000)
    try await withServer(file: file, times: times) { port, responder, _ async throws in
      let connection = try RawConnection(port: port)
      connection.send("GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
      while responder.delivered.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
      let delivery = try #require(responder.delivered.first)
      #expect(!delivery.isComplete && delivery.bytes < file.size)
    }
  }

  /// An answer in memory waits in the server: it must not do so for ever.
  @Test(.timeLimit(.minutes(2)), arguments: ["1.0", "1.1"])
  func aClientThatTakesNothingOfAnAnswerInMemoryIsCutOff(version: String) async throws {
    var times = HTTPServer.Times()
    times.piece = 1
    let limits = ConnectionLimits(total: 10, perPeer: 10)
    try await withServer(times: times, limits: limits) { port, responder, _ async throws in
      let connection = try RawConnection(port: port)
      connection.send("GET /large HTTP/\(version)\r\nHost: x\r\n\r\n")
      while responder.asked.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
      while limits.count > 0 { try await Task.sleep(for: .milliseconds(20)) }
      #expect(connection.read().utf8.count < SampleResponder.largeSize)
    }
  }

  /// One that takes its answer slowly is not one that sends no further request.
  @Test func aClientMayTakeItsTimeForAnAnswer() async throws {
    var times = HTTPServer.Times()
    times.nextRequest = 1
    let limits = ConnectionLimits(total: 10, perPeer: 10)
    try await withServer(times: times, limits: limits) { port, responder, _ async throws in
      let connection = try RawConnection(port: port)
      connection.send("GET /large HTTP/1.1\r\nHost: x\r\n\r\n")
      while responder.asked.isEmpty { try await Task.sleep(for: .milliseconds(20)) }
      try await Task.sleep(for: .seconds(2))
      // And then the time for the next request begins, and ends.
      #expect(connection.read(count: .max) > SampleResponder.largeSize)
    }
  }

  @Test func aFileThatChangedIsNeverFinished() async throws {
    let file = SampleFile(size: 3_000_000)
    try await withServer(file: file) { port, responder, _ async throws in
      file.spoil()
      let connection = try RawConnection(port: port)
      connection.send("GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
      let answer = connection.read()
      #expect(answer.hasPrefix("HTTP/1.1 200") && answer.utf8.count > 1000)
      let delivery = try #require(responder.delivered.first)
      #expect(!delivery.isComplete && delivery.bytes < file.size)
    }
  }

  @Test func oneAddressCannotTakeAllConnections() async throws {
    try await withServer(perPeer: 3) { port, _, _ async throws in
      var open = try (0..<3).map { _ in try RawConnection(port: port) }
      for connection in open {
        connection.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        #expect(connection.read(until: "127.0.0.1\n").hasPrefix("HTTP/1.1 200"))
      }
      #expect(try RawConnection(port: port).read().isEmpty)
      open.removeLast()
      // The server notices the end of a connection in its own time.
      var answer = ""
      while answer.isEmpty {
        let connection = try RawConnection(port: port)
        connection.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = connection.read(until: "127.0.0.1\n")
      }
      #expect(answer.hasPrefix("HTTP/1.1 200"))
      _ = open
    }
  }

  @Test func aPortThatIsTakenSaysSo() async throws {
    try await withServer { port, _, _ async throws in
      let error = await #expect(throws: ServerError.self) {
        _ = try await HTTPServer(
          listeners: [HTTPServer.Listener(host: "127.0.0.1", port: port)], certificate: nil,
          responder: SampleResponder(SampleFile(size: 1)), limits: ConnectionLimits(total: 1, perPeer: 1),
          metrics: HTTPMetrics(MetricsRegistry()), threads: 1)
      }
      #expect(error?.code == .addressInUse)
      #expect(error?.message.contains("127.0.0.1:\(port)") == true)
    }
    let absent = await #expect(throws: ServerError.self) {
      _ = try await HTTPServer(
        listeners: [HTTPServer.Listener(host: "192.0.2.1", port: 0)], certificate: nil,
        responder: SampleResponder(SampleFile(size: 1)), limits: ConnectionLimits(total: 1, perPeer: 1),
        metrics: HTTPMetrics(MetricsRegistry()), threads: 1)
    }
    #expect(absent?.code == .noSuchAddress)
  }

  @Test(hasCurl, .enabled(if: findTool("openssl") != nil, "openssl is missing"))
  func httpsServesTheSameBytes() async throws {
    try await withScratchDirectory { scratch async throws in
      let (chain, key) = (
        scratch.appendingPathComponent("c.pem").path, scratch.appendingPathComponent("k.pem").path
      )
      let made = try run([
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
        "-keyout", key,
        "-out", chain, "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost",
      ])
      try #require(made.status == 0, "\(made.errorText)")
      let file = SampleFile(size: 3_000_000)
      try await withServer(file: file, certificate: HTTPServer.Certificate(chain: chain, key: key)) {
        port, _, _ async throws in
        let result = try curl([
          "--cacert", chain, "--resolve", "localhost:\(port):127.0.0.1", "https://localhost:\(port)/file",
        ])
        #expect(result.output == SampleFile.bytes(3_000_000), "\(result.errorText)")
        #expect(try curl(["http://127.0.0.1:\(port)/file"]).status != 0)
      }
      let error = await #expect(throws: ServerError.self) {
        try await withServer(certificate: HTTPServer.Certificate(chain: key, key: chain)) { _, _, _ in }
      }
      #expect(error?.code == .certificate)
    }
  }

  @Test func aCancelledServerClosesEverything() async throws {
    // An address of its own: nobody else's server gets its port.
    let host = "127.0.77.1"
    let file = SampleFile(size: 4_000_000)
    let responder = SampleResponder(file)
    let server = try await HTTPServer(
      listeners: [HTTPServer.Listener(host: host, port: 0)], certificate: nil, responder: responder,
      limits: ConnectionLimits(total: 10, perPeer: 10), metrics: HTTPMetrics(MetricsRegistry()), threads: 1)
    let running = Task { try await server.run() }
    let connection = try RawConnection(port: server.addresses[0].port, host: host)
    connection.send("GET /file HTTP/1.1\r\nHost: x\r\n\r\n")
    while responder.asked.isEmpty { try await Task.sleep(for: .milliseconds(5)) }
    let reader = Task.detached { connection.read().utf8.count }
    running.cancel()
    try await running.value
    #expect(await reader.value > 0)
    #expect(throws: RawConnectionError.self) { try RawConnection(port: server.addresses[0].port, host: host) }
  }
}
