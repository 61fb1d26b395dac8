/// What a server needs to know of one network interface (a VLAN's is one of its own).
package struct NetworkInterface: Hashable, Sendable {
  /// An address and the size of the network it is in.
  package struct Address<Value: Hashable & Sendable>: Hashable, Sendable {
    package let address: Value
    package let prefixLength: Int

    package init(_ address: Value, prefixLength: Int) {
      self.address = address
      self.prefixLength = prefixLength
    }
  }

  /// The kernel's number, which is another one when an interface comes back.
  package var index: UInt32
  package var name: String
  /// `nil` where there is none, as on loopback.
  package var hardwareAddress: MACAddress?
  /// The largest IP packet in bytes.
  package var mtu: Int
  /// Whether it can send and receive now.
  package var isUp: Bool
  /// In the kernel's order: the first is the primary one.
  package var ipv4: [Address<IPv4Address>]
  package var ipv6: [Address<IPv6Address>]

  package init(
    index: UInt32, name: String, hardwareAddress: MACAddress? = nil, mtu: Int = 1500, isUp: Bool = true,
    ipv4: [Address<IPv4Address>] = [], ipv6: [Address<IPv6Address>] = []
  ) {
    self.index = index
    self.name = name
    self.hardwareAddress = hardwareAddress
    self.mtu = mtu
    self.isUp = isUp
    self.ipv4 = ipv4
    self.ipv6 = ipv6
  }
}
