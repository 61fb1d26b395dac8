package import NetworkTypes

/// What happened that people or the boot timeline want to know.
package enum DHCPEvent: Hashable, Sendable {
  /// A client that netboots asked; the answer, if there is one, is the next event.
  case asked(NetbootRequest)
  /// It was told what to load; `nil` if the offer says "ask me on port 4011" and no more.
  case answered(NetbootRequest, BootFile?)
  /// It got no boot information, and why.
  case refused(NetbootRequest, reason: String)
  /// An address was granted or, if `isRenewal`, granted once more to the same client.
  case leased(Lease, isRenewal: Bool)
  /// A client gave its address back.
  case released(Lease)
  /// A client found its new address in use by somebody else; it is quarantined.
  case declined(IPAddress, hardwareAddress: MACAddress?)
  /// A client asked to keep an address that it cannot have, and was told so (DHCPNAK).
  case refusedAddress(IPv4Address, hardwareAddress: MACAddress?, reason: String)
  /// No address is left in the pools of that network.
  case exhausted(network: String, hardwareAddress: MACAddress?)
  /// A client that netboots chose another server's offer of an address. Ordinary beside a site's own server.
  case choseOther(hardwareAddress: MACAddress?, server: IPAddress)
  /// Somebody else offers boot files to our clients.
  case competitor(CompetingOffer)
  /// Leases could not be written down, for that reason, and nobody got them; `nil` once they can be again.
  case leaseStore(problem: String?)
  /// A message that is not valid, or that a rule drops.
  case dropped(source: Endpoint, reason: String)
}

/// Another server's offer of something to boot.
package struct CompetingOffer: Hashable, Sendable {
  /// The server identifier (option 54), else the packet's source.
  package var server: IPv4Address
  /// The client that it was made to.
  package var hardwareAddress: MACAddress?
  /// The boot file, as it was offered; empty for a ProxyDHCP offer that names none yet.
  package var bootFile: String
  /// Whether it comes from a ProxyDHCP service, which offers no address.
  package var isProxy: Bool
  package var interface: String

  package init(
    server: IPv4Address, hardwareAddress: MACAddress?, bootFile: String, isProxy: Bool, interface: String
  ) {
    self.server = server
    self.hardwareAddress = hardwareAddress
    self.bootFile = bootFile
    self.isProxy = isProxy
    self.interface = interface
  }
}

/// What a machine wants done, in this order.
///
/// A `persist` comes before the `send` that depends on it: the answer goes out when, and only if, the store has it.
package enum DHCPAction: Hashable, Sendable {
  case persist(LeaseChange)
  case send(OutgoingDatagram)
  case event(DHCPEvent)
}
