/// Limits of the TFTP server.
package struct TFTPConfiguration: Hashable, Sendable {
  /// Whether transfers use port 69 too, instead of a port each: for firewalls that know no TFTP.
  package var isSinglePort: Bool
  /// The largest block agreed to, in bytes of data; what the interface's packets hold is a limit too, since firmware
  /// is bad at putting fragments together.
  package var maximumBlockSize: Int
  /// The largest window agreed to, in blocks.
  package var maximumWindowSize: Int
  /// Transfers at a time.
  package var maximumTransfers: Int
  /// Transfers at a time of one client address.
  package var maximumTransfersPerClient: Int
  /// Seconds of silence after which a transfer is over.
  package var silenceSeconds: Double

  package init(
    isSinglePort: Bool = false, maximumBlockSize: Int = 65_464, maximumWindowSize: Int = 64,
    maximumTransfers: Int = 4096, maximumTransfersPerClient: Int = 64, silenceSeconds: Double = 30
  ) {
    self.isSinglePort = isSinglePort
    self.maximumBlockSize = maximumBlockSize
    self.maximumWindowSize = maximumWindowSize
    self.maximumTransfers = maximumTransfers
    self.maximumTransfersPerClient = maximumTransfersPerClient
    self.silenceSeconds = silenceSeconds
  }
}
