import BootServer
import BootTypes
internal import Bytes
import DHCP
import Fleet
import NetworkTypes
import ServerCore
import Testing

@Suite struct DirectorTests {
  @Test func eachKindOfFirmwareIsToldWhatItTakes() async throws {
    try await DirectorFixture.with { fixture async throws in
      let digest = try fixture.digest.hex
      let path = "boot/52-54-00-00-00-01/\(digest)/uki.efi"
      #expect(fixture.ask(1, .http) == .boot(.url("http://192.0.2.1:8080/\(path)")))
      #expect(fixture.ask(1, .pxe) == .boot(.tftp(name: path)))
      #expect(
        fixture.ask(1, .pxe, architecture: .bios)
          == .boot(.tftp(name: "boot/52-54-00-00-00-01/undionly.kpxe")))
      let script = "boot/52-54-00-00-00-01/boot.ipxe"
      #expect(
        fixture.ask(1, .ipxe, architecture: .bios)
          == .boot(.url("http://192.0.2.1:8080/\(script)?uuid=${uuid}&serial=${serial:uristring}")))
      #expect(fixture.ask(1, .ipxe, features: .tftp) == .boot(.tftp(name: script)))
    }
  }

  @Test func whoIsNotBootedIsToldNothingAndWhy() async throws {
    try await DirectorFixture.with { fixture async throws in
      func reason(_ decision: BootDecision) -> String? {
        switch decision {
        case .ignore(let reason), .wait(let reason): reason
        case .boot, .localDisk: nil
        }
      }
      #expect(reason(fixture.ask(9))?.contains("is unknown, and unknown devices are only noted") == true)
      #expect(reason(fixture.ask(4))?.contains("follows the channel prod") == true)
      #expect(reason(fixture.ask(1, .pxe, architecture: .uefiARM64))?.contains("is for amd64") == true)
      #expect(reason(fixture.ask(1, .pxe, architecture: .uefiIA32))?.contains("is for amd64") == true)
      guard case .localDisk = fixture.ask(3) else { throw Unexpected() }
      let request = NetbootRequest(
        client: .http, architecture: .httpX64, interface: "eth0", server: .v4(IPv4Address(value: 1)))
      #expect(reason(fixture.director.decide(request))?.contains("neither a MAC address nor a UUID") == true)
      // Those that were noted can be named.
      try fixture.director.flush(to: fixture.store)
      #expect(try fixture.store.devices().map(\.macs).contains([mac(9)]))
    }
  }

  @Test func ignoredDevicesLeaveNoTrace() async throws {
    try await DirectorFixture.with(fleet: "unknownDevices: {action: ignore}") { fixture async throws in
      for last in 0..<100 { fixture.ask(UInt64(last)) }
      try fixture.director.flush(to: fixture.store)
      #expect(fixture.director.deviceCount == 0)
      #expect(try fixture.store.devices().isEmpty && fixture.store.events(limit: 10).isEmpty)
    }
  }

  @Test func aHostWithoutIPXESaysWhatToInstall() async throws {
    try await DirectorFixture.with(programs: []) { fixture async throws in
      guard case .ignore(let reason) = fixture.ask(1, .pxe, architecture: .bios) else { throw Unexpected() }
      #expect(reason.contains("install Debian's package ipxe"))
      guard case .boot = fixture.ask(1, .pxe) else { throw Unexpected() }
    }
  }

  @Test func aReleaseThatIsMissingOrDamagedIsNotOffered() async throws {
    try await DirectorFixture.with(
      fleet: "groups: [{name: a, release: gone@1}]\nunknownDevices: {action: boot, group: a}"
    ) {
      fixture async throws in
      guard case .wait(let reason) = fixture.ask(1) else { throw Unexpected() }
      #expect(reason.contains("gone@1 is not in the library") && reason.contains("netimg publish"))
    }
    try await DirectorFixture.with { fixture async throws in
      try fixture.fixture.flip(fixture.digest, "uki.efi")
      fixture.fixture.library.checkAll()
      guard case .wait(let reason) = fixture.ask(1) else { throw Unexpected() }
      #expect(reason.contains("is damaged in the library"))
      // BIOS devices load other files, which are well.
      guard case .boot = fixture.ask(1, .ipxe, architecture: .bios) else { throw Unexpected() }
    }
  }

  @Test func oneBootIsOneRecord() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(1)
      fixture.wait(1)
      fixture.ask(1, .http, .request)
      fixture.director.handle(
        .leased(
          Lease(
            address: .v4(IPv4Address(value: 0xC000_0264)), client: [], hardwareAddress: mac(1), granted: 1,
            expires: 2),
          isRenewal: false))
      try fixture.deliver(1)
      let boots = try fixture.boots(1)
      #expect(boots.count == 1 && boots[0].state == .handedOver)
      #expect(
        boots[0].events.map(\.kind) == [.discover, .offer, .request, .offer, .leased, .transfer, .fetched])
      #expect(try boots[0].release == fixture.digest.hex && boots[0].firmware == "uefi-x64 by HTTP")
      #expect(try fixture.store.devices().first?.seen.address == "192.0.2.100")
    }
  }

  @Test func aChainOfProgramsIsOneBootToo() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(1, .pxe, architecture: .bios)
      fixture.wait(3)
      fixture.ask(1, .ipxe, architecture: .bios)
      fixture.director.noteHTTPBytes(BootName.scriptName, 300, DeviceIdentity(mac: mac(1)))
      try fixture.deliver(1, Artifacts.kernel)
      #expect(try fixture.boots(1).map(\.state) == [.loading])
      try fixture.deliver(1, Artifacts.initrd)
      let boots = try fixture.boots(1)
      #expect(boots.map(\.state) == [.handedOver] && boots[0].firmware == "bios by TFTP")
    }
  }

  @Test func aDeviceThatComesBackTooSoonWaitsAndThenStaysDown() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(1)
      try fixture.deliver(1)
      fixture.wait(20)
      guard case .wait(let waits) = fixture.ask(1) else { throw Unexpected() }
      #expect(waits.contains("failed to boot edge 1.0") && waits.contains("once, and waits for another 10 s"))
      // The same question, later: it may try again.
      fixture.wait(11)
      guard case .boot = fixture.ask(1) else { throw Unexpected() }
      try fixture.deliver(1)
      fixture.wait(20)
      guard case .wait(let down) = fixture.ask(1) else { throw Unexpected() }
      #expect(down.contains("2 times in a row and stays down") && down.contains("--arm"))
      fixture.wait(100_000)
      guard case .wait = fixture.ask(1) else { throw Unexpected() }
      let states = try fixture.boots(1).map(\.state)
      #expect(states.filter { $0 == .failed }.count == 2)
      #expect(try fixture.store.events(limit: 10).filter { $0.kind == "failed" }.count == 2)
      // Its neighbour is none the worse.
      guard case .boot = fixture.ask(2) else { throw Unexpected() }
    }
  }

  @Test func anOperatorOrAnotherReleaseArmsItAgain() async throws {
    try await DirectorFixture.with { fixture async throws in
      for _ in 0..<2 {
        fixture.ask(1)
        try fixture.deliver(1)
        fixture.wait(30)
      }
      guard case .wait = fixture.ask(1) else { throw Unexpected() }
      try fixture.director.flush(to: fixture.store)
      let record = try #require(try fixture.store.devices().first { $0.macs == [mac(1)] })
      var settings = record.settings
      settings.armed = fixture.now / 1000
      try fixture.store.set(settings, of: record)
      try fixture.director.reload(from: fixture.store)
      guard case .boot = fixture.ask(1) else { throw Unexpected() }
    }
    try await DirectorFixture.with { fixture async throws in
      for _ in 0..<2 {
        fixture.ask(1)
        try fixture.deliver(1)
        fixture.wait(30)
      }
      guard case .wait = fixture.ask(1) else { throw Unexpected() }
      let newer = try fixture.fixture.add("edge", timestamp: 2)
      guard case .boot(.url(let url)) = fixture.ask(1) else { throw Unexpected() }
      #expect(url.contains(newer.hex))
    }
  }

  @Test func aBootThatLastsIsNoFailure() async throws {
    try await DirectorFixture.with { fixture async throws in
      for _ in 0..<5 {
        guard case .boot = fixture.ask(1) else { throw Unexpected() }
        try fixture.deliver(1)
        fixture.wait(3600)
      }
      #expect(try fixture.boots(1).map(\.state).allSatisfy { $0 == .handedOver })
    }
  }

  @Test func echoesOfAQuestionAreNoNewBoot() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(1)
      try fixture.deliver(1)
      fixture.wait(0.5)
      fixture.ask(1)
      #expect(try fixture.boots(1).count == 1)
    }
  }

  @Test func whatAnotherProcessWritesIsTakenIn() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(9)
      fixture.ask(1)
      try fixture.director.flush(to: fixture.store)
      let record = try #require(try fixture.store.devices().first { $0.macs == [mac(9)] })
      var settings = DeviceSettings()
      settings.group = "edge"
      try fixture.store.set(settings, of: record)
      try fixture.director.reload(from: fixture.store)
      guard case .boot = fixture.ask(9) else { throw Unexpected() }
      try fixture.store.forget(device: record.id)
      try fixture.director.reload(from: fixture.store)
      guard case .ignore = fixture.ask(9) else { throw Unexpected() }
      #expect(fixture.director.device(DeviceIdentity(mac: mac(9)))?.id != record.id)
      // A device that the store does not have yet is not taken for a forgotten one.
      fixture.ask(2)
      try fixture.director.reload(from: fixture.store)
      #expect(fixture.director.device(DeviceIdentity(mac: mac(2))) != nil)
    }
  }

  @Test func aServerThatStartsAnewGoesOnWithABoot() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(1)
      try fixture.director.flush(to: fixture.store)
      let again = BootDirector(
        settings: fixture.director.settings, library: fixture.fixture.library,
        devices: try fixture.store.devices(),
        boots: try fixture.store.lastBoots(since: fixture.now - 1000),
        nextBoot: try fixture.store.nextBootID(),
        metrics: fixture.director.metrics, clock: { [now = fixture.now] in now + 1000 })
      let file = try fixture.fixture.library.open(fixture.digest, Artifacts.uki)
      again.noteHTTPEnd(
        Artifacts.uki, 0..<file.size, of: file, DeviceIdentity(mac: mac(1)),
        HTTPDelivery(bytes: file.size, milliseconds: 1, isComplete: true))
      try again.flush(to: fixture.store)
      #expect(try fixture.boots(1).map(\.state) == [.handedOver])
    }
  }

  @Test func aStoreThatFailsLosesNothing() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(1)
      try fixture.deliver(1)
      struct Full: Error {}
      #expect(throws: Full.self) { try fixture.director.flush(to: FailingStore(error: Full())) }
      #expect(try fixture.boots(1).map(\.state) == [.handedOver])
    }
  }

  @Test func aFloodOfUnknownDevicesIsNotedUpToALimit() async throws {
    try await DirectorFixture.with { fixture async throws in
      // One that an operator has named is nobody's to push out.
      fixture.ask(9)
      try fixture.director.flush(to: fixture.store)
      let named = try #require(fixture.director.device(DeviceIdentity(mac: mac(9))))
      var settings = DeviceSettings()
      settings.group = "edge"
      try fixture.store.set(settings, of: named)
      try fixture.director.reload(from: fixture.store)
      for last in 1000..<70_000 { fixture.ask(UInt64(last)) }
      #expect(fixture.director.deviceCount == 65_537)
      guard case .boot = fixture.ask(1) else { throw Unexpected() }
      // The latest are known, the first have made room; those that are named stay.
      guard case .ignore = fixture.ask(99_999) else { throw Unexpected() }
      #expect(fixture.director.device(DeviceIdentity(mac: mac(99_999))) != nil)
      #expect(fixture.director.device(DeviceIdentity(mac: mac(1000))) == nil)
      #expect(fixture.director.device(DeviceIdentity(mac: mac(9)))?.id == named.id)
      // In the store too, and what was forgotten does not come back from there.
      try fixture.director.flush(to: fixture.store)
      let stored = try fixture.store.devices()
      #expect(stored.count == fixture.director.deviceCount)
      #expect(!stored.contains { $0.macs == [mac(1000)] })
      // A flood pushes no other event out.
      #expect(try fixture.store.events(limit: 10_000).count { $0.kind == "discovered" } <= 40)
    }
  }

  @Test func whatADeviceDeclaredByTheManifestTakesNoRoom() async throws {
    try await DirectorFixture.with { fixture async throws in
      for last in [1, 2, 3, 4] { fixture.ask(UInt64(last)) }
      try fixture.director.flush(to: fixture.store)
      let again = BootDirector(
        settings: fixture.director.settings, library: fixture.fixture.library,
        devices: try fixture.store.devices(), nextBoot: 100, metrics: fixture.director.metrics,
        clock: { [now = fixture.now] in now })
      #expect(again.unknownDevices == 0)
    }
  }

  @Test func whoIsUnknownAndUnseenForLongIsForgotten() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(9)
      fixture.ask(1)
      try fixture.director.flush(to: fixture.store)
      fixture.wait(29 * 86_400)
      try fixture.director.flush(to: fixture.store)
      #expect(fixture.director.device(DeviceIdentity(mac: mac(9))) != nil)
      fixture.wait(2 * 86_400)
      try fixture.director.flush(to: fixture.store)
      try fixture.director.flush(to: fixture.store)
      #expect(fixture.director.device(DeviceIdentity(mac: mac(9))) == nil)
      #expect(try fixture.store.devices().map(\.macs) == [[mac(1)]])
    }
  }
}

struct Unexpected: Error {}

/// A store whose disk is full.
struct FailingStore<Failure: Error & Sendable>: FleetStore {
  let error: Failure
  func devices() throws -> [DeviceRecord] { throw error }
  func tidy() throws { throw error }
  func nextBootID() throws -> Int64 { throw error }
  func commit(_ batch: FleetBatch) throws { throw error }
  func set(_ settings: DeviceSettings, of device: DeviceRecord) throws { throw error }
  func forget(device id: Int64) throws { throw error }
  func boots(of device: Int64, limit: Int) throws -> [BootRecord] { throw error }
  func lastBoots(since: Int64) throws -> [BootRecord] { throw error }
  func events(limit: Int) throws -> [FleetEvent] { throw error }
  func version() throws -> Int64 { throw error }
}
