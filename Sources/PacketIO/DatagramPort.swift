package import NetworkTypes

/// Where a service's datagrams come from and go to: a socket, or in a test whatever the test makes of it.
package protocol DatagramPort: AnyObject {
  /// Up to a batch of what has arrived; empty if nothing waits.
  func receive() -> [IncomingDatagram]
  /// Sends what can be sent; a datagram that the kernel refuses is lost as one that the network loses.
  /// - Returns: The datagrams that were refused, and why.
  func send(_ datagrams: [OutgoingDatagram]) -> [(OutgoingDatagram, reason: String)]
}
