package import NetworkTypes

/// Who asks to be booted: one DHCP message of a netbooting client, without anything that only the wire cares about.
package struct NetbootRequest: Hashable, Sendable {
  /// Which program asks.
  package enum Client: String, Hashable, Sendable {
    /// Firmware that loads a file by TFTP (class `PXEClient`).
    case pxe
    /// UEFI firmware that loads a file by HTTP (class `HTTPClient`).
    case http
    /// iPXE (user class `iPXE`), whichever firmware started it.
    case ipxe
  }

  /// Which exchange it is part of.
  package enum Stage: String, Hashable, Sendable {
    /// DHCPDISCOVER or Solicit: it looks for offers.
    case discover
    /// DHCPREQUEST, Request or Information-request: it has chosen, or wants to know.
    case request
    /// A request to port 4011 (PXE's "boot server discovery", also called BINL).
    case binl
  }

  /// What a relay agent said of where the client is. Only filled in from a relay that the server trusts.
  package struct Relay: Hashable, Sendable {
    /// The relay agent's address.
    package var address: IPAddress
    /// Option 82's sub-option 1 (RFC 3046): the port it came in by; DHCPv6 option 18.
    package var circuit: [UInt8]
    /// Option 82's sub-option 2 (RFC 3046); DHCPv6 option 37.
    package var remote: [UInt8]

    package init(address: IPAddress, circuit: [UInt8] = [], remote: [UInt8] = []) {
      self.address = address
      self.circuit = circuit
      self.remote = remote
    }
  }

  package var client: Client
  package var stage: Stage
  package var architecture: ClientArchitecture
  /// From chaddr, or for IPv6 from the DUID or the link-local address; `nil` if none of these says.
  package var hardwareAddress: MACAddress?
  /// From option 97 or a DUID-UUID; `nil` if it is left out, as by some ROMs, or blank.
  package var uuid: MachineUUID?
  /// Option 60, or DHCPv6's vendor class, such as `PXEClient:Arch:00007:UNDI:003000`.
  package var vendorClass: String
  /// Option 77, or DHCPv6's user class; empty if there is none.
  package var userClass: String
  /// What this iPXE can do (option 175); empty for other clients.
  package var ipxeFeatures: IPXEFeatures
  /// `nil` if the client is on the server's own link.
  package var relay: Relay?
  /// The name of the interface that it came in by.
  package var interface: String
  /// The server's address as the client can reach it: URLs that a decision names are made of this one.
  package var server: IPAddress

  package init(
    client: Client, stage: Stage = .discover, architecture: ClientArchitecture,
    hardwareAddress: MACAddress? = nil, uuid: MachineUUID? = nil, vendorClass: String = "",
    userClass: String = "", ipxeFeatures: IPXEFeatures = [], relay: Relay? = nil, interface: String,
    server: IPAddress
  ) {
    self.client = client
    self.stage = stage
    self.architecture = architecture
    self.hardwareAddress = hardwareAddress
    self.uuid = uuid
    self.vendorClass = vendorClass
    self.userClass = userClass
    self.ipxeFeatures = ipxeFeatures
    self.relay = relay
    self.interface = interface
    self.server = server
  }

  /// Whether the exchange is DHCPv6.
  package var isIPv6: Bool {
    if case .v6 = server { true } else { false }
  }
}

/// Features that iPXE announces in option 175 (its sub-options 16 to 47).
package struct IPXEFeatures: OptionSet, Hashable, Sendable {
  package let rawValue: UInt64

  package init(rawValue: UInt64) {
    self.rawValue = rawValue
  }

  /// A feature by its sub-option number; numbers beyond 63 name nothing.
  package static func feature(_ number: UInt8) -> IPXEFeatures {
    IPXEFeatures(rawValue: number < 64 ? 1 << UInt64(number) : 0)
  }

  package static let http = feature(19)
  package static let https = feature(20)
  package static let tftp = feature(21)
  package static let bzImage = feature(24)
  package static let efi = feature(36)
}
