import Foundation
import TestSupport
import Testing

/// Two hosts with a cable between them: network namespaces that are gone with the value.
private final class Cable: Sendable {
  private let near: String
  private let far: String

  init() throws {
    let id = String(UInt32.random(in: 0...UInt32.max), radix: 16)
    near = "netimg-s-\(id)"
    far = "netimg-c-\(id)"
    for words in [
      "netns add \(near)", "netns add \(far)",
      "link add s0 netns \(near) type veth peer name c0 netns \(far)",
      "-n \(near) address add 10.78.0.1/16 dev s0", "-n \(near) link set s0 up", "-n \(near) link set lo up",
      "-n \(far) address add 10.78.255.254/16 dev c0", "-n \(far) link set c0 up", "-n \(far) link set lo up",
    ] {
      let result = try run(["ip"] + words.split(separator: " ").map(String.init))
      guard result.status == 0 else { throw BenchError("ip \(words): \(result.errorText)") }
    }
  }

  /// Words before a command of the server's host, 10.78.0.1.
  var server: [String] { ["ip", "netns", "exec", near] }
  /// Words before a command of the client's.
  var client: [String] { ["ip", "netns", "exec", far] }

  deinit { for name in [near, far] { _ = try? run(["ip", "netns", "delete", name]) } }
}

/// Clients of other people against a whole server, over a cable of their own.
@Suite(
  "other people's clients", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: NetworkNamespaces.isUsable, Comment(rawValue: NetworkNamespaces.whyNot)))
struct BootClientTests {
  /// A server, its release, and a client's host.
  private func withServer(
    _ name: String, _ body: (_ client: ([String]) throws -> SubprocessResult, Place) async throws -> Void
  ) async throws {
    let release = try await Bench.release()
    let directory = "\(Bench.scratch)/clients-\(name)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let published = try Bench.netimg([
      "publish", release.path, "--to", "\(directory)/state/library", "--unsigned",
    ])
    try #require(published.status == 0, "\(published.errorText)")
    try Data(
      """
      apiVersion: netimg/v1
      kind: Server
      dhcp:
        mode: server
        interfaces: [s0]
        subnets: [{network: 10.78.0.0/16, pools: [10.78.1.0-10.78.200.255]}]

      """.utf8
    ).write(to: URL(fileURLWithPath: "\(directory)/server.yaml"))
    let cable = try Cable()
    let server = try Server(
      state: "\(directory)/state", arguments: ["--config", "\(directory)/server.yaml"], prefix: cable.server)
    let digest = try run(["sha256sum", "\(release.path)/release.json"]).text.prefix(64)
    try await body(
      { try run(["timeout", "300"] + cable.client + $0) },
      Place(directory: directory, release: release, path: "boot/52-54-00-77-00-01/\(digest)", cable: cable))
    #expect(server.stop() == 0, "\(server.log)")
    withExtendedLifetime(cable) {}
    try FileManager.default.removeItem(atPath: directory)
  }

  private struct Place {
    let directory: String
    let release: Release
    let path: String
    let cable: Cable

    func bytes(_ file: String) throws -> [UInt8] {
      [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(directory)/\(file)")))
    }
  }

  private static let fetching = ["curl", "atftp", "busybox", "tftp"].filter { findTool($0) == nil }

  @Test(
    "curl, atftp, busybox tftp and tftp-hpa fetch the same bytes",
    .enabled(if: fetching.isEmpty, "missing: \(fetching.joined(separator: ", "))"))
  func clientsFetch() async throws {
    try await withServer("fetch") { client, place in
      let (kernel, path) = (try place.release.bytes("vmlinuz"), "\(place.path)/vmlinuz")
      func expect(_ name: String, _ command: [String]) throws {
        let file = "\(place.directory)/\(name)"
        let result = try client(command.map { $0 == "FILE" ? file : $0 })
        #expect(result.status == 0, "\(name): \(result.text)\(result.errorText)")
        #expect(try place.bytes(name) == kernel, "\(name)")
      }
      try expect("http", ["curl", "-sS", "-o", "FILE", "http://10.78.0.1:8080/\(path)"])
      // The second half, behind the first.
      let part = "\(place.directory)/resumed"
      try Data(kernel[..<(kernel.count / 2)]).write(to: URL(fileURLWithPath: part))
      try expect("resumed", ["curl", "-sS", "-C", "-", "-o", "FILE", "http://10.78.0.1:8080/\(path)"])
      try expect(
        "curl", ["curl", "-sS", "--tftp-blksize", "1428", "-o", "FILE", "tftp://10.78.0.1/\(path)"])
      try expect(
        "busybox", ["busybox", "tftp", "-g", "-b", "1468", "-r", path, "-l", "FILE", "10.78.0.1"])
      try expect("tftp-hpa", ["tftp", "-4", "-m", "binary", "10.78.0.1", "-c", "get", path, "FILE"])
      for window in [1, 16, 64] {
        try expect(
          "atftp-\(window)",
          [
            "atftp", "--get", "-r", path, "-l", "FILE", "--option", "blksize 1468", "--option",
            "windowsize \(window)", "10.78.0.1",
          ])
      }
    }
  }

  @Test(
    "perfdhcp gets a lease for each client", .enabled(if: findTool("perfdhcp") != nil, "perfdhcp is missing"))
  func perfdhcp() async throws {
    try await withServer("perfdhcp") { client, _ in
      let result = try client([
        "perfdhcp", "-4", "-u", "-l", "c0", "-r", "200", "-n", "400", "-R", "400", "-W", "5000000",
        "10.78.0.1",
      ])
      func values(_ name: String) -> [String] {
        result.text.split(separator: "\n").filter { $0.hasPrefix("\(name): ") }.map {
          String($0.dropFirst(name.count + 2))
        }
      }
      #expect(values("received packets") == ["400", "400"], "\(result.text)\(result.errorText)")
      #expect(values("non unique addresses") == ["0", "0"], "\(result.text)")
    }
  }

  @Test(
    "over a network that loses, reorders and repeats packets transfers come to their end, and cost less than the file again",
    .enabled(
      if: findTool("atftp") != nil && findTool("python3") != nil, "atftp or python3 is missing"),
    // What atftp cannot wait for in a big file, it can in a small one.
    arguments: [(1, "sbom.spdx.json"), (4, "sbom.spdx.json"), (16, "vmlinuz"), (64, "vmlinuz")])
  func lossyNetwork(window: Int, file: String) async throws {
    try await withServer("lossy-\(window)") { client, place in
      let proxy = try Background(
        place.cable.client + [
          "python3", "\(Bench.repository)/Tests/EndToEndTests/Guest/lossy.py", "6969", "10.78.0.1", "1", "2",
          "1", "\(window)",
        ], output: "\(place.directory)/proxy.log")
      try proxy.wait(for: "the proxy") { proxy.text.contains("ready") }
      let result = try client([
        "atftp", "--get", "-r", "\(place.path)/\(file)", "-l", "\(place.directory)/file", "--option",
        "blksize 1468", "--option", "windowsize \(window)", "127.0.0.1", "6969",
      ])
      #expect(result.status == 0, "\(result.errorText)")
      let bytes = try place.release.bytes(file)
      #expect(try place.bytes("file") == bytes)
      kill(proxy.identifier, SIGTERM)
      #expect(proxy.wait() == 0)
      let sent = try #require(
        proxy.text.firstMatch(of: #/packets, (\d+) bytes/#).flatMap { Int($0.output.1) })
      #expect(sent >= bytes.count && sent < 2 * bytes.count, "\(sent) bytes for \(bytes.count)")
      // tools/test shows this line.
      let ratio = String(format: "%.2f", Double(sent) / Double(bytes.count))
      print(
        "measured: TFTP windowsize \(window), 1 % lost, 2 % reordered, 1 % doubled: sent \(ratio) times the file"
      )
    }
  }
}
