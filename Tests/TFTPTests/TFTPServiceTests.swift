import FoundationEssentials
import Glibc
import NetworkTypes
import PacketIO
import Synchronization
import TestSupport
import Testing

@testable import TFTP

/// The service on real sockets, with other people's clients.
@Suite struct TFTPServiceTests {
  /// What a service reports.
  final class Log: Sendable {
    private let events = Mutex<[TFTPEvent]>([])
    func append(_ more: [TFTPEvent]) { events.withLock { $0 += more } }
    var ends: [TFTPEnd] {
      events.withLock { $0.compactMap { if case .ended(_, let end, _) = $0 { end } else { nil } } }
    }
    /// The ends once there are that many, or what there is after ten seconds.
    func ends(_ count: Int) -> [TFTPEnd] {
      for _ in 0..<1000 where ends.count < count { usleep(10_000) }
      return ends
    }
  }

  /// Runs a body with a service on some port of loopback.
  private func withService(
    _ configuration: TFTPConfiguration = TFTPConfiguration(), files: Files, segments: Bool = true,
    _ body: (UInt16, Log) async throws -> Void
  ) async throws {
    let loop = try EventLoop()
    let log = Log()
    let number = UInt16.random(in: 20_000...29_999)
    let service = try TFTPService(
      configuration, files: files, on: loop, number: number, segments: segments
    ) { events, _ in log.append(events) }
    try loop.start()
    defer { loop.stop() }
    try await body(service.number, log)
  }

  // Not 0: curl takes "tsize 0" in an answer for an error.
  private static let sizes = [1, 511, 512, 513, 1_468, 65_536, 1_000_003]

  @Test(.enabled(if: findTool("curl") != nil, "curl is not installed"), arguments: [false, true])
  func curlFetchesEveryFile(isSinglePort: Bool) async throws {
    var files = Files()
    for size in Self.sizes { files.files["f\(size)"] = MemoryFile(size: size) }
    try await withService(TFTPConfiguration(isSinglePort: isSinglePort), files: files) { port, log in
      for size in Self.sizes {
        for block in [512, 1428, 65_464] {
          let result = try run([
            "curl", "--silent", "--show-error", "--max-time", "20", "--tftp-blksize", "\(block)",
            "tftp://127.0.0.1:\(port)/f\(size)",
          ])
          #expect(result.status == 0, "\(result.errorText)")
          #expect(result.output == MemoryFile(size: size).bytes)
        }
      }
      #expect(log.ends(3 * Self.sizes.count) == Array(repeating: .complete, count: 3 * Self.sizes.count))
      let missing = try run(["curl", "--silent", "--max-time", "5", "tftp://127.0.0.1:\(port)/nothing"])
      #expect(missing.status == 68, "curl's code for a file that TFTP does not find")
      let upwards = try run([
        "curl", "--silent", "--max-time", "5", "--path-as-is", "tftp://127.0.0.1:\(port)/../etc/passwd",
      ])
      #expect(upwards.status != 0)
      #expect(upwards.output.isEmpty)
    }
  }

  @Test(.enabled(if: findTool("busybox") != nil, "busybox is not installed"))
  func busyboxFetches() async throws {
    let file = MemoryFile(size: 300_001)
    try await withService(files: Files(files: ["boot/f": file])) { port, _ in
      try await withScratchDirectory { directory in
        for block in [512, 1468] {
          let target = directory.appendingPathComponent("f\(block)")
          let result = try run([
            "busybox", "tftp", "-g", "-b", "\(block)", "-r", "boot/f", "-l", target.path, "127.0.0.1",
            "\(port)",
          ])
          #expect(result.status == 0, "\(result.errorText)")
          #expect(Array(try Data(contentsOf: target)) == file.bytes)
        }
      }
    }
  }

  @Test(
    .enabled(if: findTool("atftp") != nil, "atftp is not installed"), arguments: [1, 4, 16, 64],
    [true, false])
  func atftpFetchesInWindows(window: Int, segments: Bool) async throws {
    let file = MemoryFile(size: 2_000_003)
    try await withService(files: Files(files: ["f": file]), segments: segments) { port, log in
      try await withScratchDirectory { directory in
        let target = directory.appendingPathComponent("f")
        let result = try run([
          "atftp", "--get", "-r", "f", "-l", target.path, "--option", "blksize 1468", "--option",
          "windowsize \(window)", "127.0.0.1", "\(port)",
        ])
        #expect(result.status == 0, "\(result.errorText)")
        #expect(Array(try Data(contentsOf: target)) == file.bytes)
        #expect(log.ends(1) == [.complete])
      }
    }
  }

  @Test(.enabled(if: findTool("tftp") != nil, "tftp-hpa is not installed"))
  func tftpHPAFetchesBinaryAndText() async throws {
    let binary = MemoryFile(size: 100_001)
    let text = Array("one\ntwo\nthree\n".utf8)
    try await withService(files: Files(files: ["f": binary, "t": MemoryFile(text)])) { port, _ in
      try await withScratchDirectory { directory in
        let first = directory.appendingPathComponent("f")
        var result = try run([
          "tftp", "-4", "-m", "binary", "127.0.0.1", "\(port)", "-c", "get", "f", first.path,
        ])
        #expect(result.status == 0, "\(result.errorText)")
        #expect(Array(try Data(contentsOf: first)) == binary.bytes)
        let second = directory.appendingPathComponent("t")
        result = try run(["tftp", "-4", "-m", "ascii", "127.0.0.1", "\(port)", "-c", "get", "t", second.path])
        #expect(result.status == 0, "\(result.errorText)")
        #expect(Array(try Data(contentsOf: second)) == text)
      }
    }
  }

  @Test(.enabled(if: findTool("curl") != nil, "curl is not installed"))
  func aBrokenFileEndsWithAnError() async throws {
    try await withService(files: Files(files: ["f": BrokenFile()])) { port, log in
      let result = try run(["curl", "--silent", "--max-time", "10", "tftp://127.0.0.1:\(port)/f"])
      #expect(result.status != 0)
      #expect(log.ends(1) == [.unreadable(reason: "the digest is wrong at offset 1000")])
    }
  }

  @Test(.enabled(if: findTool("curl") != nil, "curl is not installed"))
  func filesOnDiskAreRead() async throws {
    try await withScratchDirectory { directory in
      let path = directory.appendingPathComponent("f").path
      let bytes = MemoryFile(size: 777_777).bytes
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let disk = try DiskFile(path)
      #expect(disk.size == bytes.count)
      try await withService(files: Files(files: ["f": disk])) { port, _ in
        let result = try run(["curl", "--silent", "--max-time", "20", "tftp://127.0.0.1:\(port)/f"])
        #expect(result.output == bytes)
      }
      #expect(throws: TFTPError.self) { try DiskFile(directory.path) }
      #expect(throws: TFTPError.self) { try DiskFile(path + ".missing") }
      // A file that becomes shorter while it is read ends the transfer, and never the process.
      #expect(truncate(path, 100) == 0)
      var buffer = [UInt8](repeating: 0, count: 512)
      #expect(throws: TFTPError.self) {
        try buffer.withUnsafeMutableBytes { try disk.read(into: $0, at: 700_000) }
      }
    }
  }

  @Test func aStrangersPacketsReachNoSession() async throws {
    try await withService(files: Files(files: ["f": MemoryFile(size: 5000)])) { port, log in
      let client = try UDPPort(.v4, number: 0)
      let stranger = try UDPPort(.v4, number: 0)
      let home = try #require(IPv4Address("127.0.0.1"))
      func send(_ packet: TFTPPacket, from port: UDPPort, to number: UInt16) {
        _ = port.send([
          OutgoingDatagram(
            payload: packet.encoded, destination: .endpoint(Endpoint(home, port: number)), port: port.number,
            source: .v4(home), interface: 0)
        ])
      }
      func receive() throws -> (TFTPPacket, UInt16)? {
        for _ in 0..<500 {
          if let datagram = client.receive().first {
            return (try TFTPPacket(decoding: datagram.payload), datagram.source.port)
          }
          usleep(2000)
        }
        return nil
      }
      send(.read(TFTPRequest(name: "f")), from: client, to: port)
      let (first, session) = try #require(try receive())
      guard case .data(block: 1, _) = first else {
        Issue.record("the first block")
        return
      }
      #expect(session != port, "a transfer has a port of its own")
      // Somebody else ends it, or acknowledges for the client: in vain.
      send(.error(code: 0, message: "stop"), from: stranger, to: session)
      send(.acknowledge(block: 1), from: stranger, to: session)
      usleep(50_000)
      send(.acknowledge(block: 1), from: client, to: session)
      let (second, _) = try #require(try receive())
      // The timer may have repeated the first block meanwhile.
      if case .data(block: 2, _) = second {
      } else if case .data(block: 1, _) = second {
      } else {
        Issue.record("\(second) is not the next block")
      }
      #expect(log.ends.isEmpty)
    }
  }
}
