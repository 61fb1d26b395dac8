internal import NetworkTypes

extension DHCPv4Message {
  /// Encodes the message in at most `limit` bytes (at least ``safeSize``), and at least 300, which BOOTP relays expect.
  ///
  /// The kind comes first, then the options in their order, and option 82 last (RFC 3046, section 2.1). What is too
  /// much for the options field goes into `file` and `sname` where these are empty (RFC 2132, section 9.3), and what
  /// has no room there either is left out: put what matters first. Long names are cut to their fields.
  package func encoded(limit: Int = safeSize) -> [UInt8] {
    let limit = max(limit, Self.safeSize)
    var main: [[UInt8]] = [[DHCPv4Option.messageType, 1, kind.rawValue]]
    var relay: [UInt8] = []
    for entry in options.entries {
      switch entry.code {
      case DHCPv4Option.pad, DHCPv4Option.end, DHCPv4Option.overload, DHCPv4Option.messageType: continue
      case DHCPv4Option.relayAgent: relay = Self.encoded(entry)
      default: main.append(Self.encoded(entry))
      }
    }
    var file = Array(bootFile.prefix(127))
    var name = Array(serverName.prefix(63))
    let room = limit - Self.headerSize - 1 - relay.count
    var field: [UInt8] = []
    if main.reduce(0, { $0 + $1.count }) <= room {
      field = main.flatMap { $0 }
    } else {
      let spare = (file.isEmpty ? 1 : 0) | (name.isEmpty ? 2 : 0) as UInt8
      field = main.removeFirst()
      if spare != 0 { field += [DHCPv4Option.overload, 1, spare] }
      for option in main {
        if field.count + option.count <= room {
          field += option
        } else if spare & 1 != 0, file.count + option.count <= 127 {
          file += option
        } else if spare & 2 != 0, name.count + option.count <= 63 {
          name += option
        }
      }
      if spare & 1 != 0 { file.append(DHCPv4Option.end) }
      if spare & 2 != 0 { name.append(DHCPv4Option.end) }
    }

    // One array, filled in place: this is the inner loop of a storm.
    var bytes = [UInt8](repeating: 0, count: max(300, Self.headerSize + field.count + relay.count + 1))
    func put(_ part: some Collection<UInt8>, at offset: Int) {
      bytes.replaceSubrange(offset..<offset + part.count, with: part)
    }
    func put(_ number: UInt32, at offset: Int) {
      for place in 0..<4 {
        bytes[offset + place] = UInt8(truncatingIfNeeded: number >> UInt32(24 - 8 * place))
      }
    }
    bytes[0] = isReply ? 2 : 1
    bytes[1] = hardwareType
    bytes[2] = UInt8(min(hardwareAddress.count, 16))
    bytes[3] = hops
    put(transaction, at: 4)
    put(UInt32(seconds) << 16 | UInt32(flags), at: 8)
    put(clientAddress.value, at: 12)
    put(yourAddress.value, at: 16)
    put(serverAddress.value, at: 20)
    put(relayAddress.value, at: 24)
    put(hardwareAddress.prefix(16), at: 28)
    put(name, at: 44)
    put(file, at: 108)
    put(Self.cookie, at: 236)
    put(field, at: Self.headerSize)
    put(relay, at: Self.headerSize + field.count)
    bytes[Self.headerSize + field.count + relay.count] = DHCPv4Option.end
    return bytes
  }

  /// One option on the wire; a long one in parts of 255 bytes (RFC 3396).
  private static func encoded(_ entry: DHCPv4Options.Entry) -> [UInt8] {
    var bytes: [UInt8] = []
    var rest = entry.value[...]
    repeat {
      let part = rest.prefix(255)
      bytes += [entry.code, UInt8(part.count)]
      bytes += part
      rest = rest.dropFirst(part.count)
    } while !rest.isEmpty
    return bytes
  }

  /// The most that this client takes, in bytes of UDP payload: option 57 counts the IP and UDP headers too.
  package var acceptedSize: Int {
    guard let value = options[DHCPv4Option.maximumSize], value.count == 2 else { return Self.safeSize }
    let size = Int(value[0]) << 8 | Int(value[1])
    // Beyond an Ethernet frame it would be sent in fragments.
    return min(max(size - 28, Self.safeSize), 1472)
  }
}
