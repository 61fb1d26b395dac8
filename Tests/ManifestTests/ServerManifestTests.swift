import Manifest
import NetworkTypes
import Testing

@Suite struct ServerManifestTests {
  private func parse(_ more: String) throws -> ServerManifest {
    try ServerManifest.parse(
      Array("apiVersion: netimg/v1\nkind: Server\n\(more)\n".utf8), file: "server.yaml")
  }

  @Test func everythingHasADefault() throws {
    let server = try parse("")
    #expect(server.roles == [.boot, .control] && server.control.listen.isEmpty)
    #expect(server.http.listen == ["0.0.0.0:8080"])
    #expect(server.dhcp.mode == .proxy && server.tftp.isEnabled && server.tftp.port == 69)
    #expect(server.log.format == .text && server.state == nil)
  }

  @Test func aWholeConfiguration() throws {
    let server = try parse(
      """
      roles: [boot]
      control: {listen: ["127.0.0.1:9000"]}
      state: /srv/state
      fleet: ../fleet.yaml
      log: {format: json, level: debug}
      http:
        listen: ["192.0.2.1:8080", "[2001:db8::1]:80"]
        listenSecure: ["192.0.2.1:8443"]
        certificate: cert.pem
        key: key.pem
        operators: [198.51.100.0/24]
        connections: 100
      tftp: {singlePort: true, port: 6969}
      dhcp:
        mode: server
        interfaces: [eth1, eth1.20]
        relays: [10.255.0.0/24]
        authoritative: false
        subnets:
          - network: 192.0.2.0/24
            pools: [192.0.2.100-192.0.2.199]
            router: 192.0.2.1
            nameServers: [192.0.2.53]
            domain: example.net
            leaseTime: 2h
            maximumLeaseTime: 1d
            timeServers: [192.0.2.123]
            reservations: [{mac: "52:54:00:12:34:56", address: 192.0.2.10}]
        ipv6: true
        ipv6Subnets:
          - {network: "2001:db8:0:1::/64", pool: "2001:db8:0:1::100-2001:db8:0:1::1ff", leaseTime: 30min}
      ipxe: {chainloadUEFI: true}
      drain: 1min
      """)
    #expect(server.http.listen == ["192.0.2.1:8080", "[2001:db8::1]:80"])
    #expect(server.roles == [.boot] && server.control.listen == ["127.0.0.1:9000"])
    #expect(server.http.operators.map(\.description) == ["198.51.100.0/24"])
    #expect(server.tftp.port == 6969 && server.tftp.singlePort)
    let subnet = try #require(server.dhcp.subnets.first)
    #expect(subnet.pools.map(\.upperBound.description) == ["192.0.2.199"])
    #expect(subnet.maximumLeaseTime == 86_400 && subnet.timeServers == [IPv4Address("192.0.2.123")])
    #expect(server.dhcp.relays == [IPv4Network("10.255.0.0/24")] && !server.dhcp.isAuthoritative)
    #expect(subnet.leaseTime == 7200 && subnet.reservations[0].address == IPv4Address("192.0.2.10"))
    let link = try #require(server.dhcp.ipv6Subnets.first)
    #expect(link.network == "2001:db8:0:1::/64" && link.leaseTime == 1800)
    #expect(link.pool.upperBound == IPv6Address("2001:db8:0:1::1ff"))
    #expect(server.drain == 60)
    #expect(server.ipxe.chainloadsUEFI && server.log.level == .debug)
  }

  @Test(arguments: [
    ("roles: [secrets]", "roles cannot be"),
    ("roles: []", "roles"),
    ("control: {listen: [\"host:80\"]}", "an address to listen on"),
    ("http: {listen: [8080]}", "server.yaml:3:17"),
    ("http: {listen: [\"host:80\"]}", "an address to listen on"),
    ("http: {listenSecure: [\"192.0.2.1:443\"]}", "needs a certificate and its key"),
    ("dhcp: {mode: server}", "needs subnets"),
    (
      "dhcp: {subnets: [{network: 192.0.2.0/24, pools: [192.0.3.1-192.0.3.9]}]}", "is not inside 192.0.2.0/24"
    ),
    ("dhcp: {subnets: [{network: 192.0.2.0/24, pools: [192.0.2.9-192.0.2.1]}]}", "ends before it begins"),
    (
      "dhcp: {subnets: [{network: 192.0.2.0/24, reservations: [{mac: \"52:54:00:12:34:56\", address: 10.0.0.1}]}]}",
      "10.0.0.1 is not inside"
    ),
    ("dhcp: {subnets: [{network: 192.0.2.0/24}, {network: 192.0.2.0/25}]}", "overlaps 192.0.2.0/24"),
    (
      "dhcp: {ipv6: true, ipv6Subnets: [{network: \"2001:db8::/64\", pool: \"2001:db8::1-2001:db8::9\"}]}",
      "need mode: server and ipv6: true"
    ),
    (
      "dhcp: {ipv6Subnets: [{network: \"2001:db8::/64\", pool: \"2001:db9::1-2001:db9::9\"}]}",
      "is not inside 2001:db8::/64"
    ),
    (
      "dhcp: {ipv6Subnets: [{network: \"2001:db8::/64\", pool: \"2001:db8::1-2001:db8::1:0001\"}]}",
      "more than 65536 addresses"
    ),
    ("dhcp: {ipv6Subnets: [{network: \"2001:db8::/80\"}]}", "an IPv6 network"),
    (
      "dhcp: {subnets: [{network: 192.0.2.0/24, reservations: [{mac: \"52:54:00:12:34:56\", address: 192.0.2.9}, {mac: \"52:54:00:12:34:56\", address: 192.0.2.10}]}]}",
      "52:54:00:12:34:56 has a reservation already"
    ),
    (
      "dhcp: {subnets: [{network: 192.0.2.0/24, reservations: [{mac: \"52:54:00:12:34:56\", address: 192.0.2.9}, {mac: \"52:54:00:12:34:57\", address: 192.0.2.9}]}]}",
      "192.0.2.9 is reserved already"
    ),
    (
      "dhcp: {subnets: [{network: 192.0.2.0/24, router: 192.0.2.1, reservations: [{mac: \"52:54:00:12:34:56\", address: 192.0.2.1}]}]}",
      "192.0.2.1 is the router's"
    ),
    ("dhcp: {relays: [10.255.0.1]}", "an IPv4 network"),
    ("tftp: {port: 0}", "use one from 1 to 65535"),
    ("log: {level: loud}", "level cannot be"),
    ("sttae: /x", "did you mean state?"),
  ])
  func whatCannotBeIsRefused(_ text: String, _ expected: String) throws {
    let error = #expect(throws: ManifestError.self) { try parse(text) }
    #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
  }
}
