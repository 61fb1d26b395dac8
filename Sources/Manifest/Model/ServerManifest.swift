package import NetworkTypes

/// A `kind: Server` manifest: the settings of `netimg serve`. Every key has a default; paths are as they were written.
package struct ServerManifest: Sendable {
  package var roles: [ServerRole] = ServerRole.allCases
  /// Where the server keeps what must outlast it; `nil` for the default.
  package var state: String?
  /// The library of published releases; `nil` for one inside the state directory.
  package var library: String?
  /// The `kind: Fleet` manifest; `nil` for `fleet.yaml` in the state directory, if it is there.
  package var fleet: String?
  package var log = LogSettings()
  package var http = HTTPSettings()
  package var control = ControlSettings()
  package var tftp = TFTPSettings()
  package var dhcp = DHCPSettings()
  package var ipxe = IPXESettings()
  /// How long transfers under way may go on when the server stops, in seconds: TFTP's, then HTTP's.
  package var drain = 5
  /// Whose channels groups of devices follow; `nil` for none.
  package var repository: RepositorySettings?
  /// The git repository with the fleet's manifest; `nil` for a file.
  package var git: GitSettings?
  /// What is taken over the network.
  package var uploads = UploadSettings()

  package init() {}
}

/// What one server process does. Processes with different roles may share a state directory.
package enum ServerRole: String, Sendable, Hashable, CaseIterable {
  /// DHCP, TFTP and HTTP for devices that boot: the one that needs privileges.
  case boot
  /// Following the repository and git, signing what is due, and the API of operators: the one that holds keys.
  case control
}

/// What the server writes to standard error.
package struct LogSettings: Sendable, Hashable {
  package enum Format: String, Sendable, Hashable, CaseIterable {
    case text, json
  }
  package enum Level: String, Sendable, Hashable, CaseIterable {
    case debug, info, notice, warning, error
  }
  package var format = Format.text
  package var level = Level.info

  package init() {}
}

/// The HTTP listeners.
package struct HTTPSettings: Sendable, Hashable {
  /// Addresses with ports.
  package var listen = ["0.0.0.0:8080"]
  /// Addresses with ports for HTTPS; they need a certificate and a key.
  package var listenSecure: [String] = []
  /// PEM files: the certificate with its chain, and its key.
  package var certificate: String?
  package var key: String?
  /// Who may read metrics and the API, beside the host itself.
  package var operators: [IPv4Network] = []
  /// The most connections at once, in all and from one address.
  package var connections = 4096
  package var connectionsPerClient = 2048

  package init() {}
}

/// The listeners of the role control, apart from those for devices.
package struct ControlSettings: Sendable, Hashable {
  /// Where it listens if it runs without the role boot and nobody says where.
  package static let defaultListen = "127.0.0.1:8081"

  /// Addresses with ports.
  package var listen: [String] = []

  package init() {}
}

/// The TFTP server.
package struct TFTPSettings: Sendable, Hashable {
  package var isEnabled = true
  package var port = 69
  /// Whether every transfer stays on the server's port, for firewalls.
  package var singlePort = false
  package var sessions = 4096
  package var sessionsPerClient = 2048

  package init() {}
}

/// DHCP for devices that boot.
package struct DHCPSettings: Sendable, Hashable {
  package enum Mode: String, Sendable, Hashable, CaseIterable {
    /// Beside the site's own DHCP server: boot options only.
    case proxy
    /// The network's DHCP server.
    case server
    case off
  }
  package var mode = Mode.proxy
  /// The interfaces to answer on; all of them if there is none.
  package var interfaces: [String] = []
  /// Where the relay agents are that are believed; by what they say if there is none.
  package var relays: [IPv4Network] = []
  /// Whether a device that the server does not know gets its address from it all the same, or is told to get another.
  package var isAuthoritative = true
  package var subnets: [DHCPSubnet] = []
  /// Whether DHCPv6 requests for boot options are answered too.
  package var isIPv6Enabled = false
  /// The links whose IPv6 addresses are handed out.
  package var ipv6Subnets: [DHCPv6SubnetSettings] = []

  package init() {}
}

/// A network whose addresses the server hands out.
package struct DHCPSubnet: Sendable, Hashable {
  package let network: IPv4Network
  package let pools: [ClosedRange<IPv4Address>]
  package let router: IPv4Address?
  package let nameServers: [IPv4Address]
  package let timeServers: [IPv4Address]
  package let domain: String?
  /// Seconds.
  package let leaseTime: Int
  /// Seconds, for a device that asks for as many; at least `leaseTime`.
  package let maximumLeaseTime: Int
  package let reservations: [DHCPReservation]
}

/// A link whose IPv6 addresses the server hands out.
package struct DHCPv6SubnetSettings: Sendable, Hashable {
  package let prefix: IPv6Address
  /// From 1 to 64.
  package let prefixLength: Int
  package let pool: ClosedRange<IPv6Address>
  package let nameServers: [IPv6Address]
  /// Seconds.
  package let leaseTime: Int

  /// As it is written.
  package var network: String { "\(prefix)/\(prefixLength)" }

  package func overlaps(_ other: Self) -> Bool {
    prefix.shares(prefixLength: min(prefixLength, other.prefixLength), with: other.prefix)
  }
}

/// An address that one device always gets.
package struct DHCPReservation: Sendable, Hashable {
  package let mac: MACAddress
  package let address: IPv4Address
}

/// iPXE's programs and scripts.
package struct IPXESettings: Sendable, Hashable {
  /// The directory with undionly.kpxe, ipxe.efi and snponly.efi.
  package var firmware = "/usr/lib/ipxe"
  /// A directory with templates of one's own; `nil` for the built-in ones.
  package var templates: String?
  /// Whether UEFI firmware that boots by TFTP gets iPXE first, rather than the image itself.
  package var chainloadsUEFI = false

  package init() {}
}
