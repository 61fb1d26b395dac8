/// A UDP datagram that arrived, with where it arrived.
package struct IncomingDatagram: Hashable, Sendable {
  package var payload: [UInt8]
  package var source: Endpoint
  /// The address it was sent to, which is a broadcast or multicast address often enough.
  package var destination: IPAddress
  /// The server's port.
  package var port: UInt16
  /// The index of the interface that it came in by.
  package var interface: UInt32

  package init(
    payload: [UInt8], source: Endpoint, destination: IPAddress, port: UInt16, interface: UInt32
  ) {
    self.payload = payload
    self.source = source
    self.destination = destination
    self.port = port
    self.interface = interface
  }
}

/// A UDP datagram to send.
package struct OutgoingDatagram: Hashable, Sendable {
  /// How it finds its receiver.
  package enum Destination: Hashable, Sendable {
    /// By the kernel's routes and neighbours; 255.255.255.255 is broadcast on `interface`.
    case endpoint(Endpoint)
    /// In a frame to that station: it has the IPv4 address not yet, and answers no ARP for it.
    case station(MACAddress, Endpoint)
  }

  package var payload: [UInt8]
  package var destination: Destination
  /// The server's port, which it is sent from.
  package var port: UInt16
  /// The address it is sent from; `nil` leaves the choice to the kernel.
  package var source: IPAddress?
  /// The index of the interface to send by; 0 leaves the choice to the kernel's routes.
  package var interface: UInt32

  package init(
    payload: [UInt8], destination: Destination, port: UInt16, source: IPAddress?, interface: UInt32
  ) {
    self.payload = payload
    self.destination = destination
    self.port = port
    self.source = source
    self.interface = interface
  }
}
