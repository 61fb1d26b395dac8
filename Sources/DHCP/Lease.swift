package import NetworkTypes

/// An address and who has it, as it is written down.
package struct Lease: Hashable, Sendable {
  package enum State: String, Hashable, Sendable {
    /// The client has it until `expires`.
    case active
    /// A client found somebody else using it (DHCPDECLINE): nobody gets it until `expires`.
    case declined
  }

  package var address: IPAddress
  /// Who has it: option 61's bytes, else hardware type and address (RFC 2131, section 4.2); for IPv6 the DUID and
  /// the 4 bytes of the IAID. At most 255 bytes; empty in a declined one.
  package var client: [UInt8]
  package var hardwareAddress: MACAddress?
  /// Option 12, as the client sent it, if that was a host name; else empty.
  package var hostName: String
  package var state: State
  /// When it was first granted to this client, in seconds since 1970.
  package var granted: Int64
  /// When it ends, in seconds since 1970; `.max` never.
  package var expires: Int64

  package init(
    address: IPAddress, client: [UInt8], hardwareAddress: MACAddress? = nil, hostName: String = "",
    state: State = .active, granted: Int64, expires: Int64
  ) {
    self.address = address
    self.client = client
    self.hardwareAddress = hardwareAddress
    self.hostName = hostName
    self.state = state
    self.granted = granted
    self.expires = expires
  }
}

/// One step of the lease table.
package enum LeaseChange: Hashable, Sendable {
  /// There is a lease on its address now; it replaces any other on the same address.
  case put(Lease)
  /// The address is free.
  case remove(IPAddress)
}

/// Where leases outlive the process.
package protocol LeaseStore: Sendable {
  /// Every lease, in any order; those that are over may be among them.
  func loadLeases() throws -> [Lease]
  /// Carries out the changes in order, all or none. They survive a `kill -9` once this returns; the clients that wait
  /// for them are answered after that. It is called from one thread at a time, with up to some thousand changes.
  func commitLeases(_ changes: [LeaseChange]) throws
}
