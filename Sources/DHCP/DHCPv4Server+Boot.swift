internal import NetworkTypes

/// Boot information: who gets it, and in which form its firmware takes it.
extension DHCPv4Server {
  /// What one reply shall say of booting.
  enum BootAnswer {
    /// Nothing: the client does not netboot, or is to boot something else.
    case none
    /// Nothing, and no address either: it is to ask again.
    case wait
    /// The file is named in this reply.
    case file(BootFile)
    /// The client is asked to ask port 4011, which names the file.
    case askBINL

    /// Whether a ProxyDHCP server says nothing.
    var isSilent: Bool {
      switch self {
      case .none, .wait: true
      case .file, .askBINL: false
      }
    }
  }

  /// Decides for a client, and tells of it.
  func decide(_ request: NetbootRequest, isProxy: Bool, actions: inout [DHCPAction]) -> BootAnswer {
    actions.append(.event(.asked(request)))
    switch decider.decide(request) {
    case .ignore(let reason), .localDisk(let reason):
      actions.append(.event(.refused(request, reason: reason)))
      return .none
    case .wait(let reason):
      actions.append(.event(.refused(request, reason: reason)))
      return .wait
    case .boot(let file):
      if let reason = Self.obstacle(file, for: request) {
        actions.append(.event(.refused(request, reason: reason)))
        return .none
      }
      // UEFI takes a ProxyDHCP offer for a menu's, and some drop it, unless it names no file and no menu: then the
      // firmware asks on port 4011. A BIOS takes the file at once if it is told that there is no menu.
      if isProxy, request.client == .pxe, request.architecture != .bios, request.stage == .discover {
        actions.append(.event(.answered(request, nil)))
        return .askBINL
      }
      actions.append(.event(.answered(request, file)))
      return .file(file)
    }
  }

  /// Why that client cannot load that file, if so.
  private static func obstacle(_ file: BootFile, for request: NetbootRequest) -> String? {
    switch (request.client, file) {
    case (.pxe, .url(let url)):
      return "PXE firmware loads by TFTP and was told \(url); name a file, such as iPXE's, for this client"
    case (.http, .tftp(let name)):
      return "HTTP firmware needs a URL and was told the TFTP file \(name)"
    case (_, .tftp(let name)):
      return (1...127).contains(name.utf8.count) && !name.utf8.contains(0)
        ? nil : "the boot file's name has to be of 1 to 127 bytes, and has \(name.utf8.count)"
    case (_, .url(let url)):
      return (1...255).contains(url.utf8.count) && !url.utf8.contains(0)
        ? nil : "the boot URL has to be of 1 to 255 bytes, and has \(url.utf8.count)"
    }
  }

  /// Puts boot information into a reply.
  static func add(
    _ answer: BootAnswer, for request: NetbootRequest, server: IPv4Address, to reply: inout DHCPv4Message
  ) {
    switch answer {
    case .none, .wait: return
    case .askBINL: reply.serverAddress = server
    case .file(let file):
      reply.serverAddress = server
      switch file {
      case .tftp(let name): reply.bootFile = Array(name.utf8)
      case .url(let url):
        // Firmware and iPXE look into option 67 first; the field is for those that do not.
        if url.utf8.count <= 127 { reply.bootFile = Array(url.utf8) }
        reply.options[DHCPv4Option.bootFile] = Array(url.utf8)
      }
    }
    // A client takes only the offers of its own class for offers to boot.
    reply.options[DHCPv4Option.vendorClass] = Array(
      (request.client == .http ? "HTTPClient" : "PXEClient").utf8)
    if case .file = answer, request.client == .pxe, request.architecture == .bios || request.stage != .binl {
      reply.options[DHCPv4Option.vendorInformation] = PXEOptions.noMenu
    }
  }

  /// ProxyDHCP on port 67.
  mutating func answerProxy(_ exchange: Exchange) -> [DHCPAction] {
    let message = exchange.message
    var actions: [DHCPAction] = []
    switch message.kind {
    case .discover:
      guard let request = exchange.request(.discover) else { return [] }
      let answer = decide(request, isProxy: true, actions: &actions)
      if answer.isSilent { return actions }
      var reply = reply(.offer, to: exchange)
      Self.add(answer, for: request, server: exchange.server, to: &reply)
      actions.append(.send(deliver(reply, exchange)))
    case .request:
      guard let request = exchange.request(.request) else { return [] }
      let chosen = message.options.address(DHCPv4Option.serverIdentifier)
      if chosen != exchange.identifier {
        // The request is for the site's own server; who answered it is worth knowing.
        if let chosen {
          return [.event(.choseOther(hardwareAddress: message.mac, server: .v4(chosen)))]
        }
        return []
      }
      // A client that asks us by name after a ProxyDHCP offer; it has its address already.
      guard message.clientAddress != .any else { return [] }
      let answer = decide(request, isProxy: true, actions: &actions)
      if answer.isSilent { return actions }
      var reply = reply(.ack, to: exchange)
      Self.add(answer, for: request, server: exchange.server, to: &reply)
      actions.append(.send(deliver(reply, exchange)))
    default: return []
    }
    return actions
  }

  /// Boot server discovery on port 4011: the client has an address, and is answered where it asks from.
  mutating func answerBINL(_ exchange: Exchange) -> [DHCPAction] {
    let message = exchange.message
    guard message.kind == .request || message.kind == .inform || message.kind == .discover,
      let request = exchange.request(.binl)
    else { return [] }
    if let chosen = message.options.address(DHCPv4Option.serverIdentifier), chosen != exchange.identifier,
      chosen != .any, message.kind == .request, exchange.datagram.destination != .v4(exchange.server)
    {
      return []
    }
    guard case .v4(let source) = exchange.datagram.source.address, source.isUnicast else {
      return dropped(exchange.datagram, "a request to port 4011 has no address to answer", now: exchange.now)
    }
    var actions: [DHCPAction] = []
    let answer = decide(request, isProxy: true, actions: &actions)
    if answer.isSilent { return actions }
    var reply = reply(message.kind == .discover ? .offer : .ack, to: exchange)
    reply.clientAddress = message.clientAddress
    Self.add(answer, for: request, server: exchange.server, to: &reply)
    // A client that chose an item of a menu wants it named again: type and layer, the last bit of which means "done".
    if let vendor = message.options[DHCPv4Option.vendorInformation],
      let item = PXEOptions.value(PXEOptions.bootItem, in: vendor), item.count == 4
    {
      reply.options[DHCPv4Option.vendorInformation] =
        [PXEOptions.bootItem, 4] + item + [DHCPv4Option.end]
    }
    actions.append(
      .send(
        OutgoingDatagram(
          payload: reply.encoded(limit: message.acceptedSize),
          destination: .endpoint(exchange.datagram.source),
          port: Self.binlPort, source: .v4(exchange.server), interface: exchange.interface.index)))
    return actions
  }
}
