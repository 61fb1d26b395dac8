package import NetworkTypes

extension NetbootRequest {
  /// Who sent that message, or `nil` if it is no client that netboots.
  /// - Parameters:
  ///   - message: A client's message.
  ///   - stage: The exchange that it is part of.
  ///   - trustsRelay: Whether what the relay agent says is to be believed.
  ///   - interface: The name of the interface that it came in by.
  ///   - server: The server's address there.
  package init?(
    _ message: DHCPv4Message, stage: Stage, trustsRelay: Bool, interface: String, server: IPv4Address
  ) {
    let vendorClass = message.options.text(DHCPv4Option.vendorClass) ?? ""
    let userClass = message.options[DHCPv4Option.userClass].map { Self.userClass($0) } ?? ""
    let client: Client
    if userClass == "iPXE" {
      client = .ipxe
    } else if vendorClass.hasBytePrefix("PXEClient") {
      client = .pxe
    } else if vendorClass.hasBytePrefix("HTTPClient") {
      client = .http
    } else {
      return nil
    }
    var features: IPXEFeatures = []
    if client == .ipxe, let option = message.options[DHCPv4Option.etherboot] {
      PXEOptions.forEach(in: option) { code, value in
        if (16..<48).contains(code), value.first == 1 { features.insert(.feature(code)) }
      }
    }
    var relay: Relay?
    if message.relayAddress != .any, trustsRelay {
      let option = message.options[DHCPv4Option.relayAgent] ?? []
      relay = Relay(
        address: .v4(message.relayAddress), circuit: Array(PXEOptions.value(1, in: option) ?? []),
        remote: Array(PXEOptions.value(2, in: option) ?? []))
    }
    self.init(
      client: client, stage: stage,
      architecture: Self.architecture(message.options[DHCPv4Option.architecture], vendorClass: vendorClass),
      hardwareAddress: message.mac, uuid: Self.uuid(message.options[DHCPv4Option.machineIdentifier]),
      vendorClass: String(vendorClass.prefix(128)), userClass: String(userClass.prefix(128)),
      ipxeFeatures: features, relay: relay, interface: interface, server: .v4(server))
  }

  /// Option 93 is a list, the preferred type first; some ROMs say it in option 60 only.
  static func architecture(_ option: [UInt8]?, vendorClass: String) -> ClientArchitecture {
    if let option, option.count >= 2 {
      return ClientArchitecture(rawValue: UInt16(option[0]) << 8 | UInt16(option[1]))
    }
    let parts = vendorClass.split(separator: ":", maxSplits: 3, omittingEmptySubsequences: false)
    if parts.count >= 3, parts[1] == "Arch", let number = UInt16(parts[2]) {
      return ClientArchitecture(rawValue: number)
    }
    return .bios
  }

  /// Option 97: a type byte, which is 0, and 16 bytes.
  private static func uuid(_ option: [UInt8]?) -> MachineUUID? {
    guard let option, option.count == 17, option[0] == 0, let uuid = MachineUUID(wire: option[1...]),
      !uuid.isBlank
    else { return nil }
    return uuid
  }

  /// Option 77 as plain text, as iPXE sends it, or as a list of counted strings (RFC 3004), whose first is taken.
  static func userClass(_ option: [UInt8]) -> String {
    if let count = option.first, count > 0, Int(count) < option.count, count < 0x20 {
      return textUpToZero(option[1...Int(count)])
    }
    return textUpToZero(option)
  }
}

extension String {
  /// Whether its bytes begin with those: a combining mark behind the prefix changes nothing.
  func hasBytePrefix(_ prefix: String) -> Bool {
    utf8.starts(with: prefix.utf8)
  }
}
