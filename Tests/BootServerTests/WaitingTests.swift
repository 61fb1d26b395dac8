import BootTypes
import DHCP
import Fleet
import NetworkTypes
import TFTP
import Testing

@testable import BootServer

/// Devices that boot later, and who may say what of a device's boot.
@Suite struct WaitingTests {
  /// Two failed boots of device 1: it stays down.
  private func bringDown(_ fixture: DirectorFixture) throws {
    for _ in 0..<2 {
      fixture.ask(1)
      try fixture.deliver(1)
      fixture.wait(30)
    }
  }

  @Test func whoWaitsIsKeptBusyWhereItsFirmwareCan() async throws {
    try await DirectorFixture.with { fixture async throws in
      try bringDown(fixture)
      guard case .wait(let reason) = fixture.ask(1, .http) else { throw Unexpected() }
      #expect(reason.contains("stays down"))
      guard case .wait = fixture.ask(1, .pxe) else { throw Unexpected() }
      // iPXE shows the reason and asks again; so does a BIOS, with iPXE from here.
      #expect(
        fixture.ask(1, .pxe, architecture: .bios)
          == .boot(.tftp(name: "boot/52-54-00-00-00-01/undionly.kpxe")))
      guard case .boot(.url(let url)) = fixture.ask(1, .ipxe, architecture: .bios) else { throw Unexpected() }
      #expect(url.contains("boot/52-54-00-00-00-01/boot.ipxe"))
      let script = fixture.director.resource(
        .script(device: DeviceIdentity(mac: mac(1))), base: "http://192.0.2.1/", isHasty: false)
      guard case .bytes(let bytes, _, _)? = script else { throw Unexpected() }
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(text.contains("stays down") && text.contains("\nsleep 30\nreboot\n"))
      // That is no boot that began.
      fixture.director.noteHTTPBytes("undionly.kpxe", 100, DeviceIdentity(mac: mac(1)))
      fixture.director.noteHTTPBytes(BootName.scriptName, 100, DeviceIdentity(mac: mac(1)))
      let boot = try #require(try fixture.boots(1).first)
      #expect(boot.state == .refused)
      #expect(BootDiagnosis.sentence(boot, now: fixture.now).contains("stays down"))
    }
  }

  @Test func strangersAreNotKeptBusy() async throws {
    try await DirectorFixture.with { fixture async throws in
      for client in [NetbootRequest.Client.pxe, .ipxe] {
        guard case .ignore = fixture.ask(9, client, architecture: .bios) else { throw Unexpected() }
      }
    }
  }

  @Test func theEndOfAFileIsNotTheFile() async throws {
    try await DirectorFixture.with { fixture async throws in
      let size = try fixture.fixture.library.open(fixture.digest, Artifacts.uki).size
      fixture.ask(1)
      try fixture.deliver(1, part: size - 1..<size)
      #expect(try fixture.boots(1).map(\.state) == [.loading])
      // A broken transfer that is taken up where it broke off is whole.
      try fixture.deliver(1, part: 0..<1000)
      try fixture.deliver(1, part: 2000..<size)
      #expect(try fixture.boots(1).map(\.state) == [.loading])
      try fixture.deliver(1, part: 900..<2500)
      try fixture.deliver(1, part: 2000..<size)
      #expect(try fixture.boots(1).map(\.state) == [.handedOver])
    }
  }

  @Test func onlyTheDeviceItselfBoots() async throws {
    try await DirectorFixture.with { fixture async throws in
      let own = IPAddress.v4(IPv4Address(value: 0xC000_0264))
      let other = IPAddress.v4(IPv4Address(value: 0xC000_0265))
      fixture.ask(1)
      fixture.director.handle(
        .leased(
          Lease(address: own, client: [], hardwareAddress: mac(1), granted: 1, expires: 2), isRenewal: false))
      try fixture.deliver(1, peer: other)
      #expect(try fixture.boots(1).map(\.state) == [.offered])
      try fixture.deliver(1, peer: own)
      #expect(try fixture.boots(1).map(\.state) == [.handedOver])
    }
  }

  private func script(_ fixture: DirectorFixture, _ last: UInt64, serial: String, uuid: MachineUUID? = nil) {
    _ = fixture.director.resource(
      .script(device: DeviceIdentity(mac: mac(last))), base: "http://192.0.2.1/",
      told: DeviceIdentity(uuid: uuid, serial: serial), isHasty: false)
  }

  @Test func nobodyRewritesADeviceByAURL() async throws {
    try await DirectorFixture.with { fixture async throws in
      let device = DeviceIdentity(mac: mac(9))
      let uuid = try #require(MachineUUID("11111111-2222-3333-4444-555555555555"))
      let other = try #require(MachineUUID("11111111-2222-3333-4444-666666666666"))
      fixture.ask(9, .ipxe)
      script(fixture, 9, serial: "ABC-1", uuid: uuid)
      #expect(fixture.director.device(device)?.serial == "ABC-1")
      script(fixture, 9, serial: "X", uuid: other)
      #expect(fixture.director.device(device)?.serial == "ABC-1")
      #expect(fixture.director.device(device)?.uuid == uuid)
      guard case .boot = fixture.ask(9) else { throw Unexpected() }
      try fixture.director.flush(to: fixture.store)
      let event = try #require(try fixture.store.events(limit: 10).first { $0.kind == "identity" })
      #expect(event.message.contains("states the serial number X and has ABC-1, and the UUID \(other)"))
      // Nor is anything learned of a device that does not boot.
      fixture.ask(2)
      try fixture.deliver(2)
      script(fixture, 2, serial: "Y")
      #expect(fixture.director.device(DeviceIdentity(mac: mac(2)))?.serial == nil)
    }
  }

  @Test func anotherUUIDByDHCPIsAnEvent() async throws {
    try await DirectorFixture.with { fixture async throws in
      let uuids = try ["11111111-2222-3333-4444-555555555555", "11111111-2222-3333-4444-666666666666"].map {
        try #require(MachineUUID($0))
      }
      for uuid in uuids { fixture.ask(1, uuid: uuid) }
      #expect(fixture.director.device(DeviceIdentity(mac: mac(1)))?.uuid == uuids[1])
      try fixture.director.flush(to: fixture.store)
      #expect(try fixture.store.events(limit: 10).contains { $0.kind == "identity" })
    }
  }

  @Test func aFileThatNobodyHasLookedAtIsServedByTFTPAMomentLater() async throws {
    try await DirectorFixture.with { fixture async throws in
      func open(_ name: String) -> VirtualFileAnswer {
        fixture.director.open(
          name, for: Endpoint(IPv4Address(value: 5), port: 5), at: .v4(IPv4Address(value: 0xC000_0201)))
      }
      let name = "boot/52-54-00-00-00-01/\(fixture.hex)/uki.efi"
      // The thread of all transfers does not read it.
      guard case .later = open(name) else { throw Unexpected() }
      while case .later = open(name) { await Task.yield() }
      guard case .file = open(name) else { throw Unexpected() }
      // What there is not needs no look.
      guard case .unknown = open("sha256/\(String(repeating: "0", count: 64))") else { throw Unexpected() }
    }
  }

  @Test func whoLacksHTTPIsToldNoHTTP() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(1, .ipxe, architecture: .bios, features: .tftp)
      let answer = fixture.director.open(
        "boot/52-54-00-00-00-01/boot.ipxe", for: Endpoint(IPv4Address(value: 5), port: 5),
        at: .v4(IPv4Address(value: 0xC000_0201)))
      guard case .file(let file) = answer else { throw Unexpected() }
      var bytes = [UInt8](repeating: 0, count: file.size)
      try bytes.withUnsafeMutableBytes { try file.read(into: $0, at: 0) }
      let text = String(decoding: bytes, as: UTF8.self)
      #expect(text.contains("\nkernel tftp://192.0.2.1/boot/52-54-00-00-00-01/\(fixture.hex)/vmlinuz"))
      #expect(!text.contains("http://"))
    }
  }
}
