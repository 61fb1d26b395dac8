/// What a client is told to load.
package enum BootFile: Hashable, Sendable {
  /// The name of a file that the server's own TFTP service offers; the next server is the machine's own address.
  case tftp(name: String)
  /// A whole URL. UEFI HTTP boot and iPXE take one; PXE firmware over IPv4 does not.
  case url(String)
}

/// What is to become of a client that asks to be booted.
package enum BootDecision: Hashable, Sendable {
  /// It is none of ours: no boot information. The reason is for people.
  case ignore(reason: String)
  /// It is ours, and shall boot later: no answer at all, not even an address. Firmware that gets an address without a
  /// file gives up, while firmware that hears nothing asks again. The reason is for people.
  case wait(reason: String)
  /// It loads this.
  case boot(BootFile)
  /// It is ours and shall go on to its next boot device: no boot information either. The reason is for people.
  case localDisk(reason: String)
}

/// Says what each client boots. It is asked in the middle of a packet: it answers from memory, at once.
///
/// A client asks several times while it boots (discover, request, port 4011), and is answered anew each time, so the
/// same request should get the same decision for as long as one boot takes.
package protocol BootDecider: Sendable {
  func decide(_ request: NetbootRequest) -> BootDecision
}
