package import DHCP

/// What asks to be booted: a program of the device, and what the device can run.
package struct BootFirmware: Sendable, Hashable {
  package enum Client: String, Sendable, Hashable, CaseIterable {
    /// Firmware that loads by TFTP.
    case pxe
    /// UEFI firmware that loads by HTTP.
    case http
    /// iPXE.
    case ipxe
  }

  package var client: Client
  package var architecture: ClientArchitecture

  package init(client: Client, architecture: ClientArchitecture) {
    self.client = client
    self.architecture = architecture
  }

  package init(_ request: NetbootRequest) {
    architecture = request.architecture
    client =
      switch request.client {
      case .pxe: .pxe
      case .http: .http
      case .ipxe: .ipxe
      }
  }

  package var isUEFI: Bool { architecture.isUEFI }

  /// Debian's name of the architecture whose images it can run; `nil` if there is none.
  package var imageArchitecture: String? {
    switch architecture.machine {
    case .bios, .x64: "amd64"
    case .arm64: "arm64"
    case .ia32, .arm32, .other: nil
    }
  }
}

extension BootFirmware: CustomStringConvertible {
  /// For people: `uefi-x64 by HTTP`.
  package var description: String {
    let machine = architecture.machine == .other ? architecture.description : architecture.machine.rawValue
    return switch client {
    case .pxe: "\(machine) by TFTP"
    case .http: "\(machine) by HTTP"
    case .ipxe: "\(machine) by iPXE"
    }
  }
}

extension BootFirmware {
  /// Parses what ``description`` writes for architectures that images are made for; `nil` for anything else.
  package init?(description text: String) {
    let known: [ClientArchitecture] = [
      .bios, .uefiIA32, .uefiX64, .uefiARM32, .uefiARM64, .httpIA32, .httpX64, .httpARM32, .httpARM64,
    ]
    for architecture in known {
      for client in Client.allCases where (client == .http) == architecture.isHTTP {
        let firmware = BootFirmware(client: client, architecture: architecture)
        if firmware.description == text {
          self = firmware
          return
        }
      }
    }
    return nil
  }
}
