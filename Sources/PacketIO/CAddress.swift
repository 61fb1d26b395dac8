package import CPacketShim
package import NetworkTypes

extension netimg_address {
  /// An address as C has it.
  package init(_ address: IPAddress, port: UInt16 = 0, scope: UInt32 = 0) {
    self.init()
    self.port = port
    self.scope = scope
    switch address {
    case .v4(let address):
      family = 4
      withUnsafeMutableBytes(of: &bytes) { $0.storeBytes(of: address.value.bigEndian, as: UInt32.self) }
    case .v6(let address):
      family = 6
      withUnsafeMutableBytes(of: &bytes) { $0.copyBytes(from: address.bytes) }
    }
  }

  /// An endpoint as C has it.
  package init(_ endpoint: Endpoint) {
    self.init(endpoint.address, port: endpoint.port, scope: endpoint.scope)
  }

  /// `nil` if there is none.
  package var address: IPAddress? {
    withUnsafeBytes(of: bytes) { bytes in
      switch family {
      case 4: .v4(IPv4Address(value: UInt32(bigEndian: bytes.loadUnaligned(as: UInt32.self))))
      case 6: IPv6Address(bytes).map { .v6($0) }
      default: nil
      }
    }
  }

  /// Address, port and scope; `nil` if there is no address.
  package var endpoint: Endpoint? {
    address.map { Endpoint($0, port: port, scope: scope) }
  }
}
