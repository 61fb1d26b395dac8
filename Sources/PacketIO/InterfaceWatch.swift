internal import CPacketShim
internal import Glibc
package import NetworkTypes

/// The host's interfaces, now and whenever they change.
package enum Interfaces {
  /// Every interface with its addresses, in the order of their indexes.
  package static func current() throws(PacketIOError) -> [NetworkInterface] {
    var list = [netimg_interface](repeating: netimg_interface(), count: 256)
    while true {
      let count = Int(netimg_interfaces(&list, Int32(list.count)))
      if count < 0 { throw PacketIOError("the host's interfaces cannot be listed") }
      if count <= list.count {
        return assemble(list[..<count])
      }
      list = [netimg_interface](repeating: netimg_interface(), count: count * 2)
    }
  }

  private static func assemble(_ list: ArraySlice<netimg_interface>) -> [NetworkInterface] {
    var interfaces: [String: NetworkInterface] = [:]
    for entry in list {
      let name = withUnsafeBytes(of: entry.name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      switch entry.address.address {
      case nil:
        interfaces[name] = NetworkInterface(
          index: entry.index, name: name,
          hardwareAddress: entry.has_mac == 0 ? nil : withUnsafeBytes(of: entry.mac) { MACAddress($0) },
          mtu: Int(entry.mtu), isUp: entry.is_up != 0)
      case .v4(let address):
        interfaces[name]?.ipv4.append(.init(address, prefixLength: Int(entry.prefix)))
      case .v6(let address):
        interfaces[name]?.ipv6.append(.init(address, prefixLength: Int(entry.prefix)))
      }
    }
    return interfaces.values.sorted { $0.index < $1.index }
  }
}

extension PacketIOError {
  /// What the kernel said just now.
  init(_ what: String) {
    let code = netimg_packet_errno()
    let reason = String(cString: strerror(code))
    switch code {
    case EADDRINUSE:
      self.init(
        code: .portInUse, "\(what): another program has the port; stop it, or see who it is with `ss -ulpn`")
    case EPERM, EACCES:
      self.init(
        code: .notPermitted,
        "\(what): \(reason); the process needs CAP_NET_BIND_SERVICE for ports below 1024 and CAP_NET_RAW for frames"
      )
    default: self.init(code: .system, "\(what): \(reason)")
    }
  }
}
