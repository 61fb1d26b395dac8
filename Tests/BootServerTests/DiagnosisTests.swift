import BootServer
import BootTypes
internal import Bytes
import DHCP
import Fleet
import NetworkTypes
import TFTP
import Testing

@Suite struct DiagnosisTests {
  /// What is said of a device's last boot.
  private func sentence(_ fixture: DirectorFixture, _ last: UInt64) throws -> String {
    BootDiagnosis.sentence(try fixture.boots(last).first, now: fixture.now)
  }

  @Test func aDeviceThatNeverAsked() async throws {
    try await DirectorFixture.with { fixture async throws in
      #expect(try sentence(fixture, 1).hasPrefix("It never asked this server to boot"))
    }
  }

  @Test func anotherServersOfferIsNamed() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(1, .pxe)
      fixture.director.handle(
        .competitor(
          CompetingOffer(
            server: IPv4Address(value: 0xC000_0263), hardwareAddress: mac(1), bootFile: "pxelinux.0",
            isProxy: false,
            interface: "eth0")))
      fixture.ask(1, .pxe, .binl)
      fixture.ask(1, .pxe, .binl)
      fixture.wait(20)
      let expected =
        "It asked on 4011 twice, never fetched: firmware ignores our offer because another server answered with a boot file (192.0.2.99 offered pxelinux.0); take the boot options away there."
      #expect(try sentence(fixture, 1) == expected)
      #expect(try fixture.store.events(limit: 5).contains { $0.kind == "competitor" })
      // The sensor tells once a minute; a neighbour hears the same offer.
      fixture.ask(2, .pxe, .discover)
      fixture.wait(20)
      #expect(try sentence(fixture, 2).contains("192.0.2.99 offered pxelinux.0"))
    }
  }

  @Test func aDeviceThatDoesNotAskOn4011() async throws {
    try await DirectorFixture.with { fixture async throws in
      let request = NetbootRequest(
        client: .pxe, architecture: .uefiX64, hardwareAddress: mac(1), interface: "eth0",
        server: .v4(IPv4Address(value: 0xC000_0201)))
      _ = fixture.director.decide(request)
      fixture.director.handle(.asked(request))
      fixture.director.handle(.answered(request, nil))
      fixture.wait(20)
      #expect(try sentence(fixture, 1).contains("was told to ask on port 4011, and never did"))
    }
  }

  @Test func aDeviceThatNeverFetches() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(1)
      #expect(try sentence(fixture, 1).contains("just now"))
      fixture.wait(20)
      let text = try sentence(fixture, 1)
      #expect(
        text.contains("never fetched: it may have no address, or TCP to 192.0.2.1:8080 is blocked"), "\(text)"
      )
    }
  }

  @Test func aRefusalSaysWhy() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(9)
      fixture.ask(9)
      #expect(
        try sentence(fixture, 9).hasPrefix(
          "It asked twice as uefi-x64 by HTTP, and was not booted: 52:54:00:00:00:09 is unknown"))
    }
  }

  @Test func aTransferThatBreaksOff() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(1, .pxe)
      let digest = try fixture.digest.hex
      var transfer = TFTPTransfer(
        id: 1, peer: Endpoint(IPv4Address(value: 5), port: 5), local: .v4(.any),
        name: "boot/52-54-00-00-00-01/\(digest)/uki.efi", size: 3000, blockSize: 512, windowSize: 1,
        started: Moment(monotonic: 0, wall: 0))
      let end = Moment(monotonic: 2_000_000_000, wall: 2)
      fixture.director.handle(.started(transfer))
      fixture.director.handle(.ended(transfer, .probed, at: end))
      fixture.director.handle(.started(transfer))
      transfer.acknowledged = 1024
      transfer.retries = 7
      fixture.director.handle(.ended(transfer, .timedOut, at: end))
      let boot = try #require(try fixture.boots(1).first)
      #expect(boot.state == .loading)
      #expect(boot.events.map(\.kind) == [.discover, .offer, .transfer, .probed, .transfer, .aborted])
      #expect(boot.events.last?.retries == 7 && boot.events.last?.milliseconds == 2000)
      #expect(
        try sentence(fixture, 1).contains("broke off after 1024 bytes (uki.efi: the client fell silent)"))
      // And then one that does not.
      transfer.acknowledged = 3000
      fixture.director.handle(.started(transfer))
      fixture.director.handle(.ended(transfer, .complete, at: end))
      #expect(try fixture.boots(1).first?.state == .handedOver)
      #expect(
        try sentence(fixture, 1).contains(
          "It fetched its whole image (uki.efi, 3000 bytes in 2000 ms) 0 s ago"))
    }
  }

  @Test func aScriptThatLeadsNowhere() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(1, .ipxe)
      fixture.director.noteHTTPBytes(BootName.scriptName, 100, DeviceIdentity(mac: mac(1)))
      fixture.wait(60)
      #expect(try sentence(fixture, 1).contains("fetched nothing that the script names"))
    }
  }

  @Test func aFileThatItCannotHave() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(1)
      fixture.director.noteHTTPFailure(
        "grub.cfg", "there is no grub.cfg", DeviceIdentity(mac: mac(1)), status: 404)
      #expect(try sentence(fixture, 1) == "It asked for what it cannot have: grub.cfg: there is no grub.cfg.")
    }
  }

  @Test func aFailedBootPointsAtTheImage() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(1)
      try fixture.deliver(1)
      fixture.wait(20)
      fixture.ask(1)
      let boots = try fixture.boots(1)
      #expect(BootDiagnosis.sentence(boots[1], now: fixture.now).contains("is Secure Boot on"))
    }
  }

  @Test func sizesAsPeopleReadThem() {
    #expect(BootDiagnosis.size(0) == "0 bytes" && BootDiagnosis.size(1_048_575) == "1048575 bytes")
    #expect(BootDiagnosis.size(1 << 20) == "1.0 MiB" && BootDiagnosis.size(24_933_888) == "23.7 MiB")
  }

  @Test func explanationsHaveBothHalves() async throws {
    try await DirectorFixture.with { fixture async throws in
      fixture.ask(1)
      try fixture.deliver(1)
      try fixture.director.flush(to: fixture.store)
      let directory = DeviceDirectory(store: fixture.store, inventory: fixture.director.settings.inventory)
      let explanation = try BootExplanation(
        directory.find("edge-1"), director: fixture.director, store: fixture.store, now: fixture.now / 1000)
      #expect(explanation.verdict.hasPrefix("edge-1 boots edge 1.0 (sha256:"))
      #expect(explanation.steps.first == "52:54:00:00:00:01 is edge-1, declared at fleet.yaml:10:5")
      #expect(explanation.steps.contains("uefi-x64 by HTTP loads uki.efi"))
      #expect(explanation.lastBoot.contains("whole image"))
    }
  }
}
