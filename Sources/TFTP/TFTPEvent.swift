package import NetworkTypes

/// One transfer, as it stands or as it ended.
package struct TFTPTransfer: Hashable, Sendable {
  /// Unique while the server runs; later ones are greater.
  package let id: UInt64
  package let peer: Endpoint
  /// The server's address that the client asked.
  package let local: IPAddress
  /// The name as it was looked up.
  package let name: String
  /// Bytes of the file.
  package let size: Int
  /// Bytes of data in a block, as agreed.
  package let blockSize: Int
  /// Blocks that may be under way at once, as agreed.
  package let windowSize: Int
  package let started: Moment
  /// Bytes of the file that the client has acknowledged.
  package var acknowledged = 0
  /// Bytes of data sent, repetitions included.
  package var sent = 0
  /// How many times something was sent again, because an answer was late or said that a block was lost.
  package var retries = 0

  package init(
    id: UInt64, peer: Endpoint, local: IPAddress, name: String, size: Int, blockSize: Int, windowSize: Int,
    started: Moment
  ) {
    self.id = id
    self.peer = peer
    self.local = local
    self.name = name
    self.size = size
    self.blockSize = blockSize
    self.windowSize = windowSize
    self.started = started
  }
}

/// Why a transfer is over.
package enum TFTPEnd: Hashable, Sendable {
  /// The client has acknowledged every byte.
  case complete
  /// The client ended it right after the options, before any data was acknowledged: UEFI firmware asks for the size
  /// that way (ERROR 8, or 0), and asks again. Not a failure.
  case probed
  /// The client gave up, with an error code and its words.
  case aborted(code: UInt16, message: String)
  /// The client fell silent.
  case timedOut
  /// The file could not be read.
  case unreadable(reason: String)
  /// The same client asked anew from the same port, or its place was needed while it had not been heard of.
  case replaced
  /// The server stops.
  case stopped
}

/// What happened that people or the boot timeline want to know.
package enum TFTPEvent: Hashable, Sendable {
  case started(TFTPTransfer)
  /// The transfer is over, at that moment.
  case ended(TFTPTransfer, TFTPEnd, at: Moment)
  /// A request was answered with an error, and why.
  case refused(peer: Endpoint, name: String, reason: String)
  /// A packet was dropped without an answer, and why.
  case dropped(peer: Endpoint, reason: String)
}
