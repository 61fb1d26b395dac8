package import NetworkTypes

/// The bytes of one file that is offered. A reader is used by one transfer, from one thread at a time.
package protocol VirtualFile: Sendable {
  /// The length in bytes, which does not change while the reader exists.
  var size: Int { get }

  /// Fills the whole buffer with the bytes from `offset` on; `offset + buffer.count` is never beyond `size`.
  /// - Throws: An error whose description is one sentence, if the bytes cannot be had or are known to be wrong; the
  ///   transfer then ends with an error, and the client never takes a file for good that is not.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int) throws
}

/// The names that TFTP clients can ask for. There is no directory behind them: what this does not know does not exist.
package protocol VirtualFiles: Sendable {
  /// Looks a name up, for one client. It is asked in the middle of a packet: it answers from memory, or opens a file.
  /// - Parameters:
  ///   - name: As the client sent it, without leading slashes; at most 255 bytes of UTF-8 without control characters,
  ///     and no `..` among its parts. Backslashes, which some firmware sends, have become slashes.
  ///   - peer: The client.
  ///   - local: The server's address that it asked.
  func open(_ name: String, for peer: Endpoint, at local: IPAddress) -> VirtualFileAnswer
}

/// What became of a name.
package enum VirtualFileAnswer: Sendable {
  case file(any VirtualFile)
  /// No such file (TFTP error 1).
  case unknown
  /// It is looked at first, which takes a while: no answer, and the client asks again.
  case later
  /// This client may not have it now (TFTP error 2); the reason is for people, the client is not told.
  case refused(reason: String)
}
