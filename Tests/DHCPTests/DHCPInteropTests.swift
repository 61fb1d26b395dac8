import FoundationEssentials
import Glibc
import TestSupport
import Testing

/// Other people's DHCP clients against the whole server, over a virtual cable between two network namespaces.
@Suite(
  .enabled(if: NetworkNamespaces.isUsable, Comment(rawValue: NetworkNamespaces.whyNot)),
  .enabled(if: findTool("setsid") != nil, "setsid is missing"),
  .serialized)
struct DHCPInteropTests {
  private static let program = checkoutFile(".build/debug/netimg-netbench").path

  /// Runs a command in the client's namespace, with a server in the other one.
  private func withServer(_ body: (_ client: ([String]) throws -> SubprocessResult, URL) throws -> Void)
    async throws
  {
    try await withScratchDirectory { directory in
      let id = String(UInt32.random(in: 0...UInt32.max), radix: 16)
      let (near, far) = ("dhcp-s-\(id)", "dhcp-c-\(id)")
      defer {
        for name in [near, far] { _ = try? run(["ip", "netns", "del", name]) }
      }
      func ip(_ words: String) throws {
        let result = try run(["ip"] + words.split(separator: " ").map(String.init))
        try #require(result.status == 0, "ip \(words): \(result.errorText)")
      }
      for name in [near, far] { try ip("netns add \(name)") }
      try ip("link add s0 netns \(near) type veth peer name c0 netns \(far)")
      try ip("-n \(near) addr add 10.77.0.1/16 dev s0")
      try ip("-n \(near) link set s0 up")
      try ip("-n \(far) link set c0 up")
      let log = directory.appendingPathComponent("server.log").path
      let pid = directory.appendingPathComponent("server.pid").path
      let started = try run([
        "sh", "-c",
        "ip netns exec \(near) \(Self.program) dhcp 10.77.0.0/16 10.77.1.0 10.77.200.255 \(directory.path)/leases "
          + ">\(log) 2>&1 & echo $! >\(pid)",
      ])
      #expect(started.status == 0)
      let server = pid_t(
        String(decoding: try Data(contentsOf: URL(fileURLWithPath: pid)), as: UTF8.self).prefix {
          $0.isNumber
        })
      defer { if let server { kill(server, SIGTERM) } }
      for _ in 0..<500 {
        if (try? Data(contentsOf: URL(fileURLWithPath: log)))?.isEmpty == false { break }
        usleep(10_000)
      }
      try body({ try run(["ip", "netns", "exec", far] + $0) }, directory)
    }
  }

  private static var hasProgram: Bool { findTool(program) != nil }

  @Test(.enabled(if: findTool("busybox") != nil && hasProgram, "busybox is not installed"))
  func udhcpcGetsALease() async throws {
    try await withServer { client, _ in
      let result = try client([
        "busybox", "udhcpc", "-i", "c0", "-f", "-n", "-q", "-t", "10", "-T", "1", "-s", "/bin/true",
      ])
      #expect(result.status == 0, "\(result.errorText)")
      #expect((result.errorText + result.text).contains("lease of 10.77.1.0 obtained"), "\(result.errorText)")
    }
  }

  @Test(.enabled(if: findTool("dhclient") != nil && hasProgram, "dhclient is not installed"))
  func dhclientGetsRenewsAndReleases() async throws {
    try await withServer { client, directory in
      let files = [
        "-sf", "/bin/true", "-lf", directory.path + "/client", "-pf", directory.path + "/pid", "c0",
      ]
      var result = try client(["dhclient", "-v", "-1"] + files)
      #expect(result.status == 0, "\(result.errorText)")
      #expect(result.errorText.contains("bound to 10.77.1.0"), "\(result.errorText)")
      result = try client(["dhclient", "-v", "-r"] + files)
      #expect(result.errorText.contains("DHCPRELEASE of 10.77.1.0"), "\(result.errorText)")
      // Its next life begins with what it remembers, and gets the same address.
      result = try client(["dhclient", "-v", "-1"] + files)
      #expect(result.errorText.contains("bound to 10.77.1.0"), "\(result.errorText)")
      _ = try client(["dhclient", "-x"] + files)
    }
  }

  @Test(.enabled(if: findTool("perfdhcp") != nil && hasProgram, "perfdhcp is not installed"))
  func perfdhcpGetsEveryLease() async throws {
    try await withServer { client, directory in
      _ = try client(["ip", "addr", "add", "10.77.255.254/16", "dev", "c0"])
      let result = try client([
        "perfdhcp", "-4", "-l", "c0", "-r", "200", "-n", "400", "-R", "400", "-W", "2000000", "10.77.0.1",
      ])
      let received = result.text.split(separator: "\n").filter { $0.contains("received packets:") }
      #expect(
        received.map { $0.split(separator: " ").last } == ["400", "400"], "\(result.text)\(result.errorText)")
      // What was acknowledged was written down, and no address twice.
      let leases = String(
        decoding: try Data(contentsOf: directory.appendingPathComponent("leases")), as: UTF8.self)
      let addresses = leases.split(separator: "\n").compactMap { $0.split(separator: " ").dropFirst().first }
      #expect(Set(addresses).count == 400)
    }
  }
}
