import Foundation
import Glibc
import ServerCore
import Synchronization
import TestSupport
import Testing

/// Bodies of requests: whole, in pieces, too long, too slow, cut off.
@Suite struct HTTPBodyTests {
  private static func put(_ path: String, _ headers: String, _ body: String = "") -> String {
    "PUT /\(path) HTTP/1.1\r\nHost: x\r\n\(headers)\r\n\r\n\(body)"
  }

  private func wait(_ isSo: () -> Bool) async throws {
    while !isSo() { try await Task.sleep(for: .milliseconds(5)) }
  }

  @Test(.enabled(if: findTool("curl") != nil, "curl is missing"), arguments: [0, 1, 70_000, 20_000_000])
  func aBodyArrivesWhole(_ size: Int) async throws {
    let bytes = SampleFile.bytes(size)
    try await withServer { port, responder, _ async throws in
      let result = try run(
        ["curl", "-sS", "--max-time", "60", "-T", "-", "http://127.0.0.1:\(port)/take"], input: bytes)
      #expect(result.text == "\(size) bytes\n", "\(result.errorText)")
      let isSame = responder.received.withLock { $0.bodies } == [bytes]
      #expect(isSame)
    }
  }

  @Test func aClientThatWaitsIsToldToGoOn() async throws {
    try await withServer { port, _, _ async throws in
      let connection = try RawConnection(port: port)
      connection.send(Self.put("take", "Content-Length: 5\r\nExpect: 100-continue"))
      #expect(connection.read(until: "\r\n\r\n").hasPrefix("HTTP/1.1 100 Continue"))
      connection.send("hello")
      #expect(connection.read(until: "5 bytes\n").hasPrefix("HTTP/1.1 201"))
      // And the connection serves the next request.
      connection.send("GET /x HTTP/1.1\r\nHost: x\r\n\r\n")
      #expect(connection.read(until: "127.0.0.1\n").hasPrefix("HTTP/1.1 200"))
    }
  }

  @Test func aClientThatWaitsForNothingSendsNothing() async throws {
    try await withServer { port, _, _ async throws in
      let connection = try RawConnection(port: port)
      connection.send(Self.put("forbidden", "Content-Length: 50000000\r\nExpect: 100-continue"))
      let answer = connection.read(until: "not you\n")
      #expect(answer.hasPrefix("HTTP/1.1 403") && answer.contains("Connection: close"), "\(answer)")
    }
  }

  @Test func chunksAreABodyToo() async throws {
    try await withServer { port, responder, _ async throws in
      let connection = try RawConnection(port: port)
      connection.send(Self.put("take", "Transfer-Encoding: chunked", "3\r\nabc\r\n"))
      connection.send("10\r\n0123456789abcdef\r\n0\r\n\r\n")
      #expect(connection.read(until: "19 bytes\n").hasPrefix("HTTP/1.1 201"))
      let bodies = responder.received.withLock { $0.bodies }
      #expect(bodies == [Array("abc0123456789abcdef".utf8)])
    }
  }

  @Test(arguments: [
    "Content-Length: 99999999999999999999999", "Content-Length: -1", "Content-Length: 5\r\nContent-Length: 6",
    "Transfer-Encoding: chunked\r\nContent-Length: 5",
  ])
  func lengthsThatAreNoneAreRefused(_ header: String) async throws {
    try await withServer { port, responder, _ async throws in
      let connection = try RawConnection(port: port)
      connection.send(Self.put("take", header, "hello"))
      #expect(connection.read().hasPrefix("HTTP/1.1 400"))
      let bodies = responder.received.withLock { $0.bodies }
      #expect(bodies.isEmpty)
    }
  }

  @Test func anAnswerInTheMiddleIsSeen() async throws {
    try await withServer { port, _, _ async throws in
      let connection = try RawConnection(port: port)
      connection.send(Self.put("little", "Content-Length: 3000000"))
      let piece = String(repeating: "x", count: 100_000)
      // All of it is sent before the answer is looked for: a server that closed at once would make it vanish.
      for _ in 0..<30 { connection.send(piece) }
      let answer = connection.read()
      #expect(answer.hasPrefix("HTTP/1.1 413") && answer.hasSuffix("too much\n"), "\(answer)")
    }
  }

  @Test func aBodyThatIsCutOffIsAbandoned() async throws {
    try await withServer { port, responder, _ async throws in
      var connection: RawConnection? = try RawConnection(port: port)
      connection?.send(Self.put("take", "Content-Length: 1000", "0123456789"))
      try await wait { responder.asked.isEmpty }
      connection = nil
      try await wait { !responder.received.withLock { $0.abandoned.isEmpty } }
      let received = responder.received.withLock { $0 }
      #expect(received.abandoned.allSatisfy { $0 <= 10 } && received.bodies.isEmpty)
    }
  }

  @Test func aSlowBodyIsCutOff() async throws {
    var times = HTTPServer.Times()
    times.body = 1
    times.bodyBytes = 100
    try await withServer(times: times) { port, responder, _ async throws in
      let connection = try RawConnection(port: port)
      connection.send(Self.put("take", "Content-Length: 1000", "0123456789"))
      #expect(connection.read().hasPrefix("HTTP/1.1 408"))
      try await wait { responder.received.withLock { $0.abandoned } == [10] }
    }
  }

  @Test func bodiesInMemoryShareABudget() async throws {
    try await withServer { port, _, _ async throws in
      let first = try RawConnection(port: port)
      first.send(Self.put("collect", "Content-Length: 700001", String(repeating: "x", count: 700_000)))
      // The second one begins when the first is surely there, and there is no room for both.
      var answer = ""
      while !answer.hasPrefix("HTTP/1.1 503") {
        let second = try RawConnection(port: port)
        second.send(
          Self.put(
            "collect", "Content-Length: 700000\r\nConnection: close", String(repeating: "x", count: 700_000)))
        answer = second.read()
        try #require(answer.hasPrefix("HTTP/1.1 503") || answer.hasPrefix("HTTP/1.1 200"), "\(answer)")
      }
      first.send("x")
      #expect(first.read(until: "bytes\n").contains("700001 bytes"))
      let third = try RawConnection(port: port)
      third.send(Self.put("collect", "Content-Length: 3\r\nConnection: close", "abc"))
      #expect(third.read().contains("3 bytes"))
      let fourth = try RawConnection(port: port)
      fourth.send(
        Self.put(
          "collect", "Content-Length: 1048577\r\nConnection: close", String(repeating: "x", count: 1_048_577))
      )
      #expect(fourth.read().hasPrefix("HTTP/1.1 413"))
    }
  }
}
