internal import NetworkTypes

/// How a transfer begins.
extension TFTPServer {
  mutating func begin(
    _ request: TFTPRequest, _ datagram: IncomingDatagram, now: Moment, actions: inout [TFTPAction]
  ) {
    let peer = datagram.source
    guard peer.port != 0, peer.port != Self.port, !isDraining else { return }
    if let id = sessionByPeer[peer], let session = session(id) {
      if session.request == datagram.payload, session.isUnheard {
        // The client has not heard us, or not yet. The timer says when to say it again, not the client.
        return
      }
      end(id, .replaced, now: now, actions: &actions)
    }
    let name: String
    switch Self.normalized(request.name) {
    case .success(let value): name = value
    case .failure(let error):
      return refuse(
        datagram, TFTPErrorCode.accessViolation, error.description, name: request.name, actions: &actions)
    }
    guard request.mode == "octet" || request.mode == "netascii" else {
      return refuse(
        datagram, TFTPErrorCode.illegalOperation,
        "mode \(request.mode.debugDescription) is not served; use octet",
        name: name, actions: &actions)
    }
    // No answer: its client asks again, and whoever forges sources reaches nobody.
    guard (countByClient[peer.address] ?? 0) < configuration.maximumTransfersPerClient else {
      return dropped(peer, "\(peer.address) has too many transfers at a time", now: now, actions: &actions)
    }
    guard let local = localAddress(datagram) else { return }
    var file: any VirtualFile
    switch files.open(name, for: peer, at: local) {
    case .file(let found): file = found
    case .unknown:
      return refuse(datagram, TFTPErrorCode.notFound, "no such file", name: name, actions: &actions)
    case .later: return
    case .refused(let reason):
      return refuse(
        datagram, TFTPErrorCode.accessViolation, "not for this client", name: name, reason: reason,
        actions: &actions)
    }
    if request.mode == "netascii" {
      do {
        file = try NetASCIIFile(file)
      } catch {
        return refuse(
          datagram, TFTPErrorCode.illegalOperation, "netascii is for small texts; use octet", name: name,
          reason: "\(error)", actions: &actions)
      }
    }
    guard makeRoom(now: now, actions: &actions) else {
      return dropped(peer, "there are too many transfers at a time", now: now, actions: &actions)
    }
    start(request, name: name, file, datagram, local: local, now: now, actions: &actions)
  }

  private mutating func start(
    _ request: TFTPRequest, name: String, _ file: any VirtualFile, _ datagram: IncomingDatagram,
    local: IPAddress,
    now: Moment, actions: inout [TFTPAction]
  ) {
    var agreed: [TFTPOption] = []
    var blockSize = 512
    var windowSize = 1
    var timeout: Int?
    // Answered in the client's order; what is not valid is as if it were not there (RFC 2347).
    for option in request.options {
      switch (option.name, request.number(option.name)) {
      case ("blksize", let value?) where (8...65_464).contains(value):
        blockSize = min(value, maximumBlockSize(datagram))
        agreed.append(TFTPOption(option.name, String(blockSize)))
      case ("windowsize", let value?) where (1...65_535).contains(value):
        windowSize = min(value, max(1, configuration.maximumWindowSize))
        agreed.append(TFTPOption(option.name, String(windowSize)))
      case ("timeout", let value?) where (1...255).contains(value):
        timeout = value
        agreed.append(TFTPOption(option.name, String(value)))
      case ("tsize", _?): agreed.append(TFTPOption(option.name, String(file.size)))
      default: break
      }
    }
    let id = reserve()
    let transfer = TFTPTransfer(
      id: nextTransfer(), peer: datagram.source, local: local, name: name, size: file.size,
      blockSize: blockSize, windowSize: windowSize, started: now)
    let packet = agreed.isEmpty ? nil : TFTPPacket.optionAcknowledge(agreed).encoded
    insert(
      TFTPSession(
        id: id, interface: datagram.interface, request: datagram.payload, file: file, transfer: transfer,
        optionAcknowledge: packet, timeoutSeconds: timeout, now: now.monotonic))
    actions.append(.event(.started(transfer)))
    actions.append(.open(id, peer: datagram.source, local: local, interface: datagram.interface))
    if let packet {
      actions.append(.packet(id, packet))
    } else {
      sendNext(id, now: now, actions: &actions)
    }
    schedule(id)
  }

  /// What the interface's packets hold beside the headers of IP, UDP and TFTP, within the configured limit.
  private func maximumBlockSize(_ datagram: IncomingDatagram) -> Int {
    let headers: Int
    switch datagram.source.address {
    case .v4: headers = 20 + 8 + 4
    case .v6: headers = 40 + 8 + 4
    }
    let mtu = interfaces[datagram.interface]?.mtu ?? 1500
    return max(min(configuration.maximumBlockSize, mtu - headers), 512)
  }

  /// The address that the client asked; the interface's own if that was a broadcast, which RFC 1123 forbids to answer.
  private func localAddress(_ datagram: IncomingDatagram) -> IPAddress? {
    switch datagram.destination {
    case .v4(let address):
      let isBroadcast =
        !address.isUnicast && address.value >> 24 != 127
        || (interfaces[datagram.interface]?.ipv4 ?? []).contains { own in
          own.prefixLength < 31
            && IPv4Network(containing: own.address, prefixLength: own.prefixLength)?.broadcast == address
        }
      return isBroadcast ? nil : datagram.destination
    case .v6(let address): return address.isMulticast ? nil : datagram.destination
    }
  }

  /// Whether there is room for one more transfer; the oldest that nobody has answered yet makes room.
  private mutating func makeRoom(now: Moment, actions: inout [TFTPAction]) -> Bool {
    guard transferCount >= configuration.maximumTransfers else { return true }
    guard let victim = nextUnheard() else { return false }
    end(victim, .replaced, now: now, actions: &actions)
    return true
  }

  /// Answers with an error, in words that are the client's to see; `reason` is for our own people.
  mutating func refuse(
    _ datagram: IncomingDatagram, _ code: UInt16, _ message: String, name: String, reason: String? = nil,
    actions: inout [TFTPAction]
  ) {
    guard datagram.source.port != 0, let local = localAddress(datagram) else { return }
    let packet = TFTPPacket.error(code: code, message: String(message.prefix(120)))
    actions.append(
      .reply(
        OutgoingDatagram(
          payload: packet.encoded, destination: .endpoint(datagram.source), port: Self.port, source: local,
          interface: datagram.interface)))
    actions.append(
      .event(.refused(peer: datagram.source, name: String(name.prefix(255)), reason: reason ?? message)))
  }

  /// A name as ``VirtualFiles`` gets it, or why it is refused.
  static func normalized(_ name: String) -> Result<String, TFTPError> {
    let bytes = name.utf8.map { $0 == UInt8(ascii: "\\") ? UInt8(ascii: "/") : $0 }
    let relative = bytes.drop { $0 == UInt8(ascii: "/") }
    guard (1...255).contains(relative.count) else {
      return .failure(TFTPError(code: .invalid, "a file name has 1 to 255 bytes"))
    }
    guard relative.allSatisfy({ $0 >= 0x20 && $0 != 0x7f }) else {
      return .failure(TFTPError(code: .invalid, "a file name has no control characters"))
    }
    for part in relative.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    where part.elementsEqual("..".utf8) {
      return .failure(TFTPError(code: .invalid, "a file name leads nowhere upwards"))
    }
    return .success(String(decoding: relative, as: UTF8.self))
  }
}
