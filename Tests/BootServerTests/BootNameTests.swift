import BootServer
import BootTypes
import Bytes
internal import DHCP
import Fleet
import NetworkTypes
import Testing

@Suite struct BootNameTests {
  private let digest = SHA256.digest(of: [1])

  @Test func namesSurviveBeingWritten() throws {
    let device = DeviceIdentity(mac: mac(1))
    let byUUID = DeviceIdentity(uuid: MachineUUID("8c3f2b0e-5a76-4a0e-9d3b-0f6f1c2d3e4f"))
    let names: [BootName] = [
      .artifact(device: device, release: digest, name: "uki.efi"),
      .artifact(device: device, release: nil, name: "x"),
      .artifact(device: byUUID, release: digest, name: "initrd"), .script(device: device),
      .script(device: byUUID),
      .program("undionly.kpxe"), .content(digest),
    ]
    for name in names {
      let path = try #require(name.path)
      #expect(BootName(path: path) == name)
      #expect(BootName(path: "/" + path) == name)
      // The field for it in a BOOTP packet.
      #expect(path.utf8.count <= 127)
    }
    #expect(BootName.script(device: DeviceIdentity(serial: "x")).path == nil)
  }

  @Test func spellingsOfADevice() {
    let expected = BootName.script(device: DeviceIdentity(mac: mac(0x1A)))
    for text in ["52-54-00-00-00-1a", "52:54:00:00:00:1A", "52540000001A"] {
      #expect(BootName(["boot", text, "boot.ipxe"]) == expected)
    }
    #expect(BootName(["sha256", digest.hex, "any.efi"]) == .content(digest))
  }

  @Test(arguments: [
    "", "/", "boot", "boot/x/uki.efi", "boot/52-54-00-00-00-01", "boot/52-54-00-00-00-01/00/uki.efi",
    "etc/passwd",
    "ipxe/passwd", "ipxe/../undionly.kpxe", "sha256/00", "sha256", "boot/uuid-x/boot.ipxe",
    "boot/uuid-/boot.ipxe",
    "boot/uuid-00000000-0000-0000-0000-000000000000/boot.ipxe", "boot/52-54-00-00-00-01/a/b/c", "ipxe",
  ])
  func anythingElseDoesNotExist(_ path: String) { #expect(BootName(path: path) == nil) }
}

@Suite struct BootFirmwareTests {
  @Test func descriptionsCanBeReadBack() {
    for text in [
      "bios by TFTP", "bios by iPXE", "uefi-x64 by TFTP", "uefi-x64 by HTTP", "uefi-arm64 by HTTP",
      "uefi-ia32 by TFTP",
    ] {
      #expect(BootFirmware(description: text)?.description == text)
    }
    for text in ["", "bios by HTTP", "uefi-x64", "architecture 99 by TFTP"] {
      #expect(BootFirmware(description: text) == nil)
    }
  }

  @Test func whatADeviceCanRun() {
    #expect(BootFirmware(client: .pxe, architecture: .bios).imageArchitecture == "amd64")
    #expect(BootFirmware(client: .http, architecture: .httpARM64).imageArchitecture == "arm64")
    #expect(BootFirmware(client: .pxe, architecture: .uefiIA32).imageArchitecture == nil)
    #expect(BootFirmware(client: .pxe, architecture: .uefiByteCode).imageArchitecture == "amd64")
  }
}
