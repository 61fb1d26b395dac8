package import NetworkTypes

/// Option numbers of DHCPv4 (IANA's registry; the RFC is 2132 unless another is named).
package enum DHCPv4Option {
  package static let pad: UInt8 = 0
  package static let subnetMask: UInt8 = 1
  package static let router: UInt8 = 3
  package static let nameServer: UInt8 = 6
  package static let hostName: UInt8 = 12
  package static let domainName: UInt8 = 15
  package static let interfaceMTU: UInt8 = 26
  package static let broadcast: UInt8 = 28
  package static let timeServer: UInt8 = 42
  package static let vendorInformation: UInt8 = 43
  package static let requestedAddress: UInt8 = 50
  package static let leaseTime: UInt8 = 51
  package static let overload: UInt8 = 52
  package static let messageType: UInt8 = 53
  package static let serverIdentifier: UInt8 = 54
  package static let parameterRequest: UInt8 = 55
  package static let message: UInt8 = 56
  package static let maximumSize: UInt8 = 57
  package static let renewalTime: UInt8 = 58
  package static let rebindingTime: UInt8 = 59
  package static let vendorClass: UInt8 = 60
  package static let clientIdentifier: UInt8 = 61
  package static let serverName: UInt8 = 66
  package static let bootFile: UInt8 = 67
  /// RFC 3004.
  package static let userClass: UInt8 = 77
  /// RFC 3046.
  package static let relayAgent: UInt8 = 82
  /// RFC 4578.
  package static let architecture: UInt8 = 93
  /// RFC 4578.
  package static let networkInterface: UInt8 = 94
  /// RFC 4578.
  package static let machineIdentifier: UInt8 = 97
  /// iPXE's own encapsulated options.
  package static let etherboot: UInt8 = 175
  package static let end: UInt8 = 255
}

/// The options of one message: each code once, in the order of their first appearance (RFC 3396 puts the parts of a
/// long one together).
package struct DHCPv4Options: Hashable, Sendable {
  /// One option, whole; its value may be longer than 255 bytes.
  package struct Entry: Hashable, Sendable {
    package let code: UInt8
    package fileprivate(set) var value: [UInt8]
  }

  package private(set) var entries: [Entry] = []

  package init() {}

  /// The value of an option. Setting replaces it in its place, appends it, or for `nil` removes it.
  package subscript(code: UInt8) -> [UInt8]? {
    get {
      for entry in entries where entry.code == code { return entry.value }
      return nil
    }
    set {
      let index = entries.firstIndex { $0.code == code }
      switch (index, newValue) {
      case (let index?, let value?): entries[index].value = value
      case (let index?, nil): entries.remove(at: index)
      case (nil, let value?): entries.append(Entry(code: code, value: value))
      case (nil, nil): break
      }
    }
  }

  /// Appends to the value of an option that is there, or adds it.
  mutating func concatenate(_ code: UInt8, _ value: ArraySlice<UInt8>) {
    if let index = entries.firstIndex(where: { $0.code == code }) {
      entries[index].value += value
    } else {
      entries.append(Entry(code: code, value: Array(value)))
    }
  }
}

extension DHCPv4Options {
  /// An option of one address, if it is there and 4 bytes long.
  package func address(_ code: UInt8) -> IPv4Address? {
    self[code].flatMap { IPv4Address($0) }
  }

  /// An option of one 32-bit number, if it is there and 4 bytes long.
  package func number(_ code: UInt8) -> UInt32? {
    address(code)?.value
  }

  /// An option of text, without the zeros that some clients end it with; bytes that are not UTF-8 are replaced.
  package func text(_ code: UInt8) -> String? {
    self[code].map { textUpToZero($0) }
  }

  package mutating func set(_ code: UInt8, _ number: UInt32) {
    self[code] = IPv4Address(value: number).bytes
  }

  package mutating func set(_ code: UInt8, _ addresses: [IPv4Address]) {
    self[code] = addresses.isEmpty ? nil : addresses.flatMap(\.bytes)
  }

  package mutating func set(_ code: UInt8, _ text: String) {
    self[code] = text.isEmpty ? nil : Array(text.utf8)
  }
}

/// Text up to its first zero.
func textUpToZero(_ bytes: some Collection<UInt8>) -> String {
  String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
}
