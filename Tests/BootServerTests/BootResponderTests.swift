import BootServer
import BootTypes
import Bytes
import DHCP
import Fleet
import Foundation
import NetworkTypes
import ServerCore
import TFTP
import Testing

@Suite struct BootResponderTests {
  private func respond(
    _ fixture: DirectorFixture, _ path: String, method: HTTPRequest.Method = .get,
    headers: [(name: String, value: String)] = [], peer: String = "192.0.2.7",
    operators: String = "198.51.100.0/24",
    health: ServerHealth = ServerHealth()
  ) throws -> HTTPResponse {
    let target = try #require(RequestTarget.parse(path))
    let registry = MetricsRegistry()
    let responder = BootResponder(
      director: fixture.director,
      operations: Operations(
        director: fixture.director, store: fixture.store, registry: registry, health: health,
        operators: OperatorNetworks([IPv4Network(operators)].compactMap(\.self))))
    let request = HTTPRequest(
      method: method, path: target.path, query: target.query, headers: headers,
      peer: try #require(IPAddress(peer)), local: .v4(IPv4Address(value: 0xC000_0201)))
    return responder.respondAtOnce(to: request) ?? responder.respond(to: request)
  }

  private func bytes(_ response: HTTPResponse) throws -> [UInt8] {
    switch response.body {
    case .bytes(let bytes): return bytes
    case .file(let file, let range):
      let artifact = try #require(file as? ArtifactFile)
      var bytes = [UInt8](repeating: 0, count: range.count)
      try bytes.withUnsafeMutableBytes { try artifact.read(into: $0, at: range.lowerBound) }
      return bytes
    }
  }

  private func text(_ response: HTTPResponse) throws -> String {
    String(decoding: try bytes(response), as: UTF8.self)
  }

  @Test func artifactsByDeviceAndByDigest() async throws {
    try await DirectorFixture.with { fixture async throws in
      let release = try fixture.digest
      let digest = try #require(fixture.fixture.library[release]?.artifact("uki.efi")?.digest)
      for path in [
        "/boot/52-54-00-00-00-01/\(release.hex)/uki.efi", "/boot/52-54-00-00-00-01/uki.efi",
        "/sha256/\(digest.hex)", "/sha256/\(digest.hex)/uki.efi",
      ] {
        let response = try respond(fixture, path)
        #expect(response.status == 200)
        #expect(SHA256.digest(of: try bytes(response)) == digest)
        #expect(response.headers.contains { $0 == ("ETag", "\"\(digest.hex)\"") })
      }
      #expect(try respond(fixture, "/boot/52-54-00-00-00-01/uki.efi").contentType == "application/efi")
    }
  }

  @Test func partsTagsAndHeads() async throws {
    try await DirectorFixture.with { fixture async throws in
      let path = "/boot/52-54-00-00-00-01/uki.efi"
      let whole = try bytes(respond(fixture, path))
      let part = try respond(fixture, path, headers: [("range", "bytes=10-19")])
      #expect(try part.status == 206 && bytes(part) == Array(whole[10..<20]))
      #expect(part.headers.contains { $0 == ("Content-Range", "bytes 10-19/\(whole.count)") })
      #expect(try respond(fixture, path, headers: [("range", "bytes=9999999-")]).status == 416)
      let tag = "\"\(SHA256.digest(of: whole).hex)\""
      #expect(try respond(fixture, path, headers: [("if-none-match", "\"x\", W/\(tag)")]).status == 304)
      #expect(try respond(fixture, path, headers: [("if-none-match", "\"x\"")]).status == 200)
      #expect(
        try respond(fixture, path, headers: [("range", "bytes=0-1"), ("if-range", "\"x\"")]).status == 200)
      #expect(try respond(fixture, path, headers: [("range", "bytes=0-1"), ("if-range", tag)]).status == 206)
      let head = try respond(fixture, path, method: .head, headers: [("range", "bytes=0-1")])
      #expect(head.status == 200 && head.length == whole.count)
    }
  }

  @Test func damagedFilesAreNotServed() async throws {
    try await DirectorFixture.with { fixture async throws in
      try fixture.fixture.flip(fixture.digest, "uki.efi")
      let response = try respond(fixture, "/boot/52-54-00-00-00-01/uki.efi")
      #expect(try response.status == 503 && text(response).contains("publish the release again"))
      #expect(fixture.fixture.damage.codes == [.corrupt])
    }
  }

  @Test func scriptsSayWhatToLoadOrWhyNot() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(1, .ipxe)
      let uefi = try text(
        respond(fixture, "/boot/52-54-00-00-00-01/boot.ipxe", headers: [("host", "boot.example:80")]))
      #expect(
        uefi.contains(
          "\nkernel --name= http://boot.example:80/boot/52-54-00-00-00-01/\(fixture.hex)/uki.efi "))
      fixture.ask(2, .ipxe, architecture: .bios)
      let bios = try text(
        respond(fixture, "/boot/52-54-00-00-00-02/boot.ipxe", headers: [("host", "evil\nhost")]))
      #expect(
        bios.contains(
          "\nkernel http://192.0.2.1:8080/boot/52-54-00-00-00-02/\(fixture.hex)/vmlinuz console=ttyS0"
        ))
      #expect(try text(respond(fixture, "/boot/52-54-00-00-00-03/boot.ipxe")).contains("\nexit\n"))
      let unknown = try text(respond(fixture, "/boot/52-54-00-00-00-09/boot.ipxe"))
      #expect(
        unknown.contains("is unknown, and unknown devices are only noted") && unknown.contains("\nsleep 30\n")
      )
    }
  }

  @Test func aSerialNumberFromIPXENamesADevice() async throws {
    try await DirectorFixture.with { fixture async throws in
      let path = "/boot/52-54-00-00-00-09/boot.ipxe?uuid=&serial="
      #expect(try text(respond(fixture, path)).contains("is unknown"))
      fixture.ask(9, .ipxe)
      #expect(try text(respond(fixture, path + "ABC-1")).contains("uki.efi"))
      // It is remembered, for those who cannot say it.
      guard case .boot = fixture.ask(9) else { throw Unexpected() }
      #expect(
        try text(respond(fixture, "/boot/52-54-00-00-00-08/boot.ipxe?serial=${serial}")).contains(
          "is unknown"))
    }
  }

  @Test func programsOfIPXE() async throws {
    try await DirectorFixture.with { fixture async throws in
      for path in ["/ipxe/undionly.kpxe", "/boot/52-54-00-00-00-01/undionly.kpxe"] {
        #expect(try text(respond(fixture, path)) == "program undionly.kpxe")
      }
      #expect(try respond(fixture, "/ipxe/snponly.efi").status == 404)
    }
  }

  @Test(arguments: [
    "/", "/etc/passwd", "/boot", "/ipxe/x", "/releases", "/sha256/00", "/boot/52-54-00-00-00-01/release.json",
  ])
  func nothingElseIsThere(_ path: String) async throws {
    try await DirectorFixture.with { fixture async throws in
      #expect(try respond(fixture, path).status == 404)
    }
  }

  @Test func operatorsAloneReadMetricsAndTheAPI() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(1)
      try fixture.director.flush(to: fixture.store)
      for path in ["/metrics", "/api/v1/devices", "/api/v1/events"] {
        #expect(try respond(fixture, path).status == 403)
        for peer in ["127.0.0.1", "::1", "198.51.100.9"] {
          #expect(try respond(fixture, path, peer: peer).status == 200)
        }
      }
      let devices = try #require(
        try JSONSerialization.jsonObject(with: Data(bytes(respond(fixture, "/api/v1/devices", peer: "::1"))))
          as? [[String: Any]])
      #expect(
        devices.compactMap { $0["name"] as? String } == [
          "by-serial", "disk-1", "edge-1", "edge-2", "follower",
        ])
      #expect(
        try text(respond(fixture, "/api/v1/devices/edge-1/boots", peer: "::1")).contains(
          "\"kind\" : \"discover\""))
      #expect(
        try text(respond(fixture, "/api/v1/devices/edge-1/explanation", peer: "::1")).contains(
          "edge-1 boots edge 1.0"))
      #expect(try text(respond(fixture, "/api/v1/releases", peer: "::1")).contains(fixture.hex))
      #expect(try respond(fixture, "/api/v1/devices/nobody", peer: "::1").status == 404)
      #expect(try respond(fixture, "/api/v2", peer: "::1").status == 404)
    }
  }

  @Test func leasesAreSeen() async throws {
    try await DirectorFixture.with { fixture async throws in
      let now = fixture.now / 1000
      func lease(_ address: UInt32, until: Int64) -> LeaseChange {
        .put(
          Lease(
            address: .v4(IPv4Address(value: address)), client: [1, 2], hardwareAddress: mac(1),
            hostName: "edge-1", granted: now, expires: until))
      }
      try fixture.store.commitLeases([
        lease(0xC000_0264, until: now + 60), lease(0xC000_0209, until: now + 60),
        lease(0xC000_0265, until: now),
      ])
      #expect(try respond(fixture, "/api/v1/leases").status == 403)
      let leases = try #require(
        try JSONSerialization.jsonObject(with: Data(bytes(respond(fixture, "/api/v1/leases", peer: "::1"))))
          as? [[String: Any]])
      #expect(leases.map { $0["address"] as? String } == ["192.0.2.9", "192.0.2.100"])
      #expect(leases[0]["client"] as? String == "0102" && leases[0]["hostName"] as? String == "edge-1")
    }
  }

  @Test func healthIsForEverybody() async throws {
    try await DirectorFixture.with { fixture async throws in
      let health = ServerHealth()
      #expect(try respond(fixture, "/healthz").status == 200)
      #expect(try respond(fixture, "/readyz", health: health).status == 503)
      health.set("start", nil)
      #expect(try respond(fixture, "/readyz", health: health).status == 200)
      health.set("store", "the disk is full")
      #expect(try text(respond(fixture, "/readyz", health: health)) == "the disk is full\n")
    }
  }

  @Test func theSameNamesByTFTP() async throws {
    try await DirectorFixture.with { fixture async throws in
      let peer = Endpoint(IPv4Address(value: 5), port: 5)
      func open(_ name: String) -> VirtualFileAnswer {
        while true {
          let answer = fixture.director.open(name, for: peer, at: .v4(IPv4Address(value: 0xC000_0201)))
          // The client asks again.
          if case .later = answer { continue }
          return answer
        }
      }
      guard case .file(let file) = open("boot/52-54-00-00-00-01/\(fixture.hex)/uki.efi") else {
        throw Unexpected()
      }
      let release = try fixture.digest
      #expect(file.size == fixture.fixture.library[release]?.artifact("uki.efi")?.size)
      fixture.ask(1, .ipxe)
      guard case .file(let script) = open("boot/52-54-00-00-00-01/boot.ipxe") else { throw Unexpected() }
      var bytes = [UInt8](repeating: 0, count: script.size)
      try bytes.withUnsafeMutableBytes { try script.read(into: $0, at: 0) }
      #expect(String(decoding: bytes, as: UTF8.self).contains("kernel --name= tftp://192.0.2.1/boot/"))
      for name in ["", "etc/passwd", "../x", "boot/52-54-00-00-00-01/nothing"] {
        guard case .unknown = open(name) else { throw Unexpected() }
      }
      try fixture.fixture.flip(fixture.digest, "vmlinuz")
      guard case .refused = open("boot/52-54-00-00-00-01/vmlinuz") else { throw Unexpected() }
    }
  }
}
