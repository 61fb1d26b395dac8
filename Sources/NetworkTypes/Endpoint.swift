/// An address of either family.
package enum IPAddress: Hashable, Sendable {
  case v4(IPv4Address)
  case v6(IPv6Address)
}

extension IPAddress: LosslessStringConvertible {
  package init?(_ description: String) {
    if let address = IPv4Address(description) {
      self = .v4(address)
    } else if let address = IPv6Address(description) {
      self = .v6(address)
    } else {
      return nil
    }
  }

  package var description: String {
    switch self {
    case .v4(let address): address.description
    case .v6(let address): address.description
    }
  }
}

extension IPAddress: Comparable {
  /// IPv4 before IPv6, then by value.
  package static func < (left: IPAddress, right: IPAddress) -> Bool {
    switch (left, right) {
    case (.v4(let left), .v4(let right)): left < right
    case (.v6(let left), .v6(let right)): left < right
    case (.v4, .v6): true
    case (.v6, .v4): false
    }
  }
}

/// One end of a UDP exchange.
package struct Endpoint: Hashable, Sendable {
  package var address: IPAddress
  package var port: UInt16
  /// The interface that a link-local IPv6 address belongs to; 0 for any other address.
  package var scope: UInt32

  package init(_ address: IPAddress, port: UInt16, scope: UInt32 = 0) {
    self.address = address
    self.port = port
    self.scope = scope
  }

  package init(_ address: IPv4Address, port: UInt16) {
    self.init(.v4(address), port: port)
  }
}

extension Endpoint: CustomStringConvertible {
  package var description: String {
    switch address {
    case .v4(let address): "\(address):\(port)"
    case .v6(let address): scope == 0 ? "[\(address)]:\(port)" : "[\(address)%\(scope)]:\(port)"
    }
  }
}
