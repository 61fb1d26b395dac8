import Foundation
import TestSupport
import Testing

/// DHCP on real links: several of them, some that come and go, and others who answer there too.
@Suite(
  "DHCP on several links", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: NetworkNamespaces.isUsable, Comment(rawValue: NetworkNamespaces.whyNot)),
  .enabled(
    if: ["curl", "setpriv", "python3"].allSatisfy { findTool($0) != nil },
    "curl, setpriv or python3 is missing"),
  .timeLimit(.minutes(10)))
struct LinksTests {
  /// A server on these links, under an account of its own. Whoever asks is booted.
  private func withServer(
    _ links: Links, _ settings: String, _ body: (Server, StormState) async throws -> Void
  ) async throws {
    try await withScratchDirectory { scratch async throws in
      chmod(scratch.path, 0o755)
      let state = try StormState(scratch.appendingPathComponent("state").path)
      let config = scratch.appendingPathComponent("server.yaml").path
      try Data(
        "apiVersion: netimg/v1\nkind: Server\nipxe: {firmware: \(state.path)/ipxe}\n\(settings)\n".utf8
      )
      .write(to: URL(fileURLWithPath: config))
      let owned = try run(["chown", "-R", "65534:65534", state.path])
      try #require(owned.status == 0)
      let server = try Server(
        state: state.path, arguments: ["--config", config], prefix: links.unprivilegedServer)
      try await body(server, state)
      #expect(server.stop() == 0, "\(server.log)")
      #expect(!server.log.contains(" error "), "\(server.log)")
    }
  }

  private static func subnets(_ links: Links, _ numbers: [Int]) -> String {
    """
    dhcp:
      mode: server
      interfaces: [\(numbers.map { links.interface($0) }.joined(separator: ", "))]
      subnets:
    \(numbers.map { "    - {network: 10.81.\($0).0/24, pools: [10.81.\($0).100-10.81.\($0).199], router: 10.81.\($0).254}" }.joined(separator: "\n"))
    """
  }

  private func get(_ url: String, _ links: Links, _ number: Int) throws -> SubprocessResult {
    try run(["timeout", "60"] + links.client(number) + ["curl", "-sS", url])
  }

  private func events(_ links: Links) throws -> String {
    try run(links.server + ["curl", "-sS", "http://127.0.0.1:8080/api/v1/events"]).text
  }

  private func severalLinks(_ links: Links) async throws {
    // The third link is nobody's business.
    try await withServer(links, Self.subnets(links, [1, 2])) { server, _ in
      for number in 1...2 {
        let own = "10.81.\(number).1"
        let answers = try links.ask(number, ["uefi", "http", "bios"])
        // An address of that link for each, and that server's address in all of it.
        for answer in answers where answer.heard == nil {
          #expect(answer.address?.hasPrefix("10.81.\(number).1") == true && answer.server == own, "\(answer)")
        }
        let uefi = try #require(answers.first { $0.client == "uefi" && $0.kind == 5 })
        #expect(uefi.next == own && uefi.class == "PXEClient" && uefi.file?.hasSuffix("/uki.efi") == true)
        let http = try #require(answers.first { $0.client == "http" && $0.kind == 5 })
        #expect(
          http.file?.hasPrefix("http://\(own):8080/boot/") == true && http.class == "HTTPClient", "\(http)")
        // What it is told can be had there, each in its way.
        try links.onClient(number, "address replace \(uefi.address ?? "")/24 dev d\(number)")
        #expect(try get("tftp://\(own)/\(uefi.file ?? "")", links, number).text == "This is uki.efi.\n")
        #expect(try get(http.file ?? "", links, number).text == "This is uki.efi.\n")
        let bios = try #require(answers.first { $0.client == "bios" && $0.kind == 5 })
        #expect(bios.file?.hasSuffix("/undionly.kpxe") == true && bios.options?.contains(43) == true)
        // Not a word of booting to who does not boot; but an address, for this is the network's DHCP server.
        let plain = try links.ask(number, ["plain"])
        for answer in plain where answer.heard == nil {
          #expect(answer.address?.hasPrefix("10.81.\(number).1") == true && answer.file == "", "\(answer)")
          #expect(answer.next == "0.0.0.0" && answer.class == "" && answer.options?.contains(43) == false)
        }
        #expect(plain.map(\.kind) == [2, 5, nil])
      }
      // It asks on the third while the others are answered: nothing is heard there.
      let silence = try Background(
        links.client(3) + [
          "timeout", "4", "python3", "\(Bench.repository)/Tests/EndToEndTests/Guest/dhcp.py", "d3",
          "52:54:00:81:00:03", "uefi",
        ], output: "\(Bench.scratch)/silence-\(links.kind).log")
      #expect(try links.ask(1, ["uefi"]).contains { $0.heard == "uefi" })
      #expect(silence.wait() == 124 && silence.text.isEmpty, "\(silence.text)")
      #expect(!server.log.contains("10.81.3"))
    }
  }

  @Test func eachLinkHasItsOwnNetworkAndTheServersAddressThere() async throws {
    try await severalLinks(try Links(.cables, clients: 3))
  }

  @Test(.enabled(if: Links.hasVLANs, "the kernel has no VLANs")) func vlansAreLinksLikeOthers() async throws {
    try await severalLinks(try Links(.vlans, clients: 3))
  }

  @Test func linksThatGoComeBackAndChangeTheirAddressAreServed() async throws {
    let links = try Links(.cables, clients: 2)
    try await withServer(links, Self.subnets(links, [1, 2])) { _, _ in
      for number in 1...2 { #expect(try links.ask(number, ["uefi"])[1].server == "10.81.\(number).1") }
      // A link that is gone does not concern the other.
      try links.disconnect(2)
      #expect(try links.ask(1, ["uefi"])[1].kind == 5)
      // It comes back as another interface of that name, with another address.
      try links.connect(2, address: 9)
      let back = try links.ask(2, ["http", "SERVER=10.81.2.9"])
      #expect(back[1].file?.hasPrefix("http://10.81.2.9:8080/") == true, "\(back)")
      try links.onClient(2, "address add \(back[1].address ?? "")/24 dev d2")
      let name = back[1].file?.replacing("http://10.81.2.9:8080/", with: "") ?? ""
      #expect(try get("tftp://10.81.2.9/\(name)", links, 2).text == "This is uki.efi.\n")
      // And the first one's address changes under it: gone first, for with it the kernel takes others of its network away,
      // unless promote_secondaries is set.
      try links.onServer("address delete 10.81.1.1/24 dev s1")
      try links.onServer("address add 10.81.1.77/24 dev s1")
      let changed = try links.ask(1, ["uefi", "SERVER=10.81.1.77"])
      #expect(changed[1].next == "10.81.1.77" && changed[1].kind == 5, "\(changed)")
      // Down and up again.
      try links.onServer("link set s1 down")
      #expect(try links.ask(2, ["uefi"])[1].kind == 5)
      try links.onServer("link set s1 up")
      #expect(try links.ask(1, ["uefi"])[1].server == "10.81.1.77")
      #expect(try run(links.server + ["curl", "-sS", "http://127.0.0.1:8080/readyz"]).text == "ready\n")
    }
  }

  @Test(
    .enabled(if: Links.hasBridges, "the kernel has no bridges"),
    .enabled(if: findTool("dnsmasq") != nil, "dnsmasq is missing"))
  func besideAnotherServerItAnswersWhoBootsAndNoticesWhoElseDoes() async throws {
    let links = try Links(.bridge, clients: 2)
    try links.onClient(2, "address add 10.81.0.2/24 dev d2")
    try await withServer(links, "dhcp: {mode: proxy, interfaces: [br0]}") { server, state in
      // The only server so far: who does not boot hears nothing at all, who boots an offer without an address.
      let alone = try links.ask(1, ["plain", "http"])
      #expect(alone.compactMap(\.heard) == ["http"], "\(alone)")
      #expect(alone[0].address == "0.0.0.0" && alone[0].file?.hasPrefix("http://10.81.0.1:8080/") == true)
      // UEFI's PXE is told to ask on port 4011, and asks with an address of its own.
      try links.onClient(1, "address add 10.81.0.50/24 dev d1")
      let pxe = try links.ask(1, ["uefi", "binl", "SERVER=10.81.0.1"])
      #expect(pxe[0].file == "" && pxe[0].class == "PXEClient" && pxe[0].next == "10.81.0.1", "\(pxe)")
      #expect(pxe[1].client == "binl" && pxe[1].file?.hasSuffix("/uki.efi") == true, "\(pxe)")
      #expect(try !events(links).contains("another boot server"))
      // The site's own server gives addresses; and then somebody has it boot devices too.
      for boots in [false, true] {
        let site = try Background(
          links.client(2) + [
            "dnsmasq", "--no-daemon", "--conf-file=/dev/null", "--port=0", "--interface=d2", "--user=root",
            "--dhcp-range=10.81.0.100,10.81.0.199", "--dhcp-leasefile=\(state.path)/leases", "--no-ping",
            "--pid-file=",
          ] + (boots ? ["--dhcp-boot=other.efi"] : []), output: "\(state.path).dnsmasq")
        try site.wait(for: "dnsmasq") { site.text.contains("DHCP, IP range") }
        let answers = try links.ask(1, ["http", "SERVER=10.81.0.2"])
        #expect(answers[0].address?.hasPrefix("10.81.0.1") == true, "\(answers)")
        if boots {
          try server.wait(for: "the event") {
            try events(links).contains("another boot server, 10.81.0.2 on br0")
          }
          #expect(try events(links).contains("other.efi"))
          let explained = try run(
            links.server + [
              "curl", "-sS", "http://127.0.0.1:8080/api/v1/devices/52:54:00:81:00:01/explanation",
            ]
          ).text
          #expect(explained.contains("other.efi"), "\(explained)")
        } else {
          #expect(try !events(links).contains("another boot server"))
        }
        kill(site.identifier, SIGTERM)
        _ = site.wait()
      }
    }
  }

  @Test func firmwareThatAsksByDHCPv6IsToldItsURL() async throws {
    let links = try Links(.cables, clients: 1)
    for (host, address) in [("onServer", "fd81::1"), ("onClient", "fd81::2")] {
      let words = "address add \(address)/64 dev \(host == "onServer" ? "s1" : "d1") nodad"
      if host == "onServer" { try links.onServer(words) } else { try links.onClient(1, words) }
    }
    let settings = """
      http: {listen: ["0.0.0.0:8080", "[::]:8080"]}
      dhcp: {mode: proxy, interfaces: [s1], ipv6: true}
      """
    try await withServer(links, settings) { _, _ in
      let answers = try links.ask(1, ["v6"])
      #expect(answers[0].kind == 2, "an advertisement: \(answers)")
      let url = try #require(answers[0].file)
      #expect(url.hasPrefix("http://[fd81::1]:8080/boot/") && url.hasSuffix("/uki.efi"), "\(url)")
      #expect(answers[0].options?.contains(3) == false, "addresses are another server's")
      let fetched = try get(url, links, 1)
      #expect(fetched.text == "This is uki.efi.\n", "\(fetched.errorText)")
    }
  }

  @Test func settingsAreReadAnewWithoutAnEndToTransfersByTFTP() async throws {
    let links = try Links(.cables, clients: 1)
    try links.onClient(1, "address add 10.81.1.50/24 dev d1")
    try await withServer(links, Self.subnets(links, [1])) { server, state in
      let told = try links.ask(1, ["uefi"])[1].file ?? ""
      let gate = "\(state.path).gate"
      // Three blocks of eight bytes at most; the second is asked for when the gate is there.
      let script = """
        import os, socket, struct, sys, time
        name, gate = sys.argv[1:]
        peer = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        peer.sendto(b"\\0\\1" + name.encode() + b"\\0octet\\0blksize\\08\\0", ("10.81.1.1", 69))
        answer, server = peer.recvfrom(100)
        assert answer[:2] == b"\\0\\6", answer
        peer.sendto(struct.pack("!HH", 4, 0), server)
        text, number = b"", 1
        while True:
            data = peer.recv(100)
            if data[:4] != struct.pack("!HH", 3, number):
                assert data[:2] in (b"\\0\\3", b"\\0\\6"), data
                continue
            text += data[4:]
            if number == 1:
                print("begun", flush=True)
                while not os.path.exists(gate):
                    time.sleep(0.02)
            peer.sendto(struct.pack("!HH", 4, number), server)
            number += 1
            if len(data) < 12:
                break
        print(text.decode(), flush=True)
        """
      let client = try Background(
        ["timeout", "300"] + links.client(1) + ["python3", "-c", script, told, gate],
        output: "\(state.path).client")
      try client.wait(for: "the first block") { client.text.contains("begun") }
      // Whoever asks from now on is told nothing, and nobody may begin another transfer.
      let fleet = "\(state.path)/fleet.yaml"
      try Data("apiVersion: netimg/v1\nkind: Fleet\nname: other\nunknownDevices: {action: ignore}\n".utf8)
        .write(
          to: URL(fileURLWithPath: fleet))
      server.signal(SIGHUP)
      try server.wait(forLog: "read the configuration anew")
      try Data().write(to: URL(fileURLWithPath: gate))
      #expect(client.wait() == 0 && client.text.contains("This is uki.efi."), "\(client.text)")
    }
  }
}
