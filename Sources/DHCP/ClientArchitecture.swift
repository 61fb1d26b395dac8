/// A processor architecture type (RFC 4578 and IANA's registry; DHCP option 93, DHCPv6 option 61).
package struct ClientArchitecture: RawRepresentable, Hashable, Sendable {
  package let rawValue: UInt16

  package init(rawValue: UInt16) {
    self.rawValue = rawValue
  }

  package static let bios = ClientArchitecture(rawValue: 0)
  package static let uefiIA32 = ClientArchitecture(rawValue: 6)
  package static let uefiX64 = ClientArchitecture(rawValue: 7)
  /// Registered for EFI byte code, and sent by x86-64 firmware that follows RFC 4578's mistake.
  package static let uefiByteCode = ClientArchitecture(rawValue: 9)
  package static let uefiARM32 = ClientArchitecture(rawValue: 10)
  package static let uefiARM64 = ClientArchitecture(rawValue: 11)
  package static let httpIA32 = ClientArchitecture(rawValue: 15)
  package static let httpX64 = ClientArchitecture(rawValue: 16)
  package static let httpByteCode = ClientArchitecture(rawValue: 17)
  package static let httpARM32 = ClientArchitecture(rawValue: 18)
  package static let httpARM64 = ClientArchitecture(rawValue: 19)

  /// What the machine can execute, whichever way it boots.
  package enum Machine: String, Hashable, Sendable {
    case bios
    case ia32 = "uefi-ia32"
    case x64 = "uefi-x64"
    case arm32 = "uefi-arm32"
    case arm64 = "uefi-arm64"
    case other
  }

  /// The architecture without the way of booting.
  package var machine: Machine {
    switch rawValue {
    case 0: .bios
    case 6, 15: .ia32
    case 7, 9, 16, 17: .x64
    case 10, 18: .arm32
    case 11, 19: .arm64
    default: .other
    }
  }

  /// Whether the number says that the firmware boots over HTTP.
  package var isHTTP: Bool { (15...19).contains(rawValue) }
  /// Whether UEFI sent it: every type that is known and not a BIOS.
  package var isUEFI: Bool { machine != .bios && machine != .other }
}

extension ClientArchitecture: CustomStringConvertible {
  package var description: String {
    switch machine {
    case .other: "architecture \(rawValue)"
    case let known: isHTTP ? "\(known.rawValue)-http" : known.rawValue
    }
  }
}
