/// One TFTP packet (RFC 1350, section 5; RFC 2347 for options).
///
///      2 bytes    string    1 byte   string   1 byte   string   1 byte   string   1 byte
///     +--------+----------+--------+--------+--------+--------+--------+--------+--------+
///     |  1, 2  | filename |   0    |  mode  |   0    | option |   0    | value  |   0    |   RRQ, WRQ
///     +--------+----------+--------+--------+--------+--------+--------+--------+--------+
///     |   3    | block    | data, up to the block size         |   DATA
///     |   4    | block    |                                        ACK
///     |   5    | code     | message  |   0    |                   ERROR
///     |   6    | option   |   0    | value    |   0    |          OACK
///     +--------+----------+--------+----------+--------+
package enum TFTPPacket: Hashable, Sendable {
  case read(TFTPRequest)
  case write(TFTPRequest)
  case data(block: UInt16, [UInt8])
  case acknowledge(block: UInt16)
  case error(code: UInt16, message: String)
  case optionAcknowledge([TFTPOption])
}

/// An option and its value, as they are on the wire.
package struct TFTPOption: Hashable, Sendable {
  package var name: String
  package var value: String

  package init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// What a client asks for.
package struct TFTPRequest: Hashable, Sendable {
  package var name: String
  /// `octet`, `netascii` or something else, in lower case.
  package var mode: String
  /// Names are in lower case, and each appears once.
  package var options: [TFTPOption]

  package init(name: String, mode: String = "octet", options: [TFTPOption] = []) {
    self.name = name
    self.mode = mode
    self.options = options
  }

  /// The value of an option that is a decimal number without sign, spaces or overflow; `nil` if it is not there or is
  /// something else, which counts as not there (RFC 2347).
  package func number(_ name: String) -> Int? {
    guard let value = options.first(where: { $0.name == name })?.value, (1...19).contains(value.utf8.count),
      value.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
    else { return nil }
    return Int(value)
  }
}

/// Error codes (RFC 1350, appendix; RFC 2347).
package enum TFTPErrorCode {
  package static let undefined: UInt16 = 0
  package static let notFound: UInt16 = 1
  package static let accessViolation: UInt16 = 2
  package static let illegalOperation: UInt16 = 4
  package static let unknownTransfer: UInt16 = 5
  package static let optionRefused: UInt16 = 8
}

extension TFTPPacket {
  /// The longest request and option acknowledgement that is read; RFC 2347 allows 512.
  static let maximumRequestSize = 1024
  static let maximumOptions = 16

  /// Decodes one UDP payload.
  package init(decoding bytes: some Collection<UInt8>) throws(TFTPError) {
    var rest = Array(bytes)[...]
    guard rest.count >= 4 else {
      throw TFTPError(code: .truncated, "a TFTP packet has at least 4 bytes, this has \(rest.count)")
    }
    func number() -> UInt16 {
      defer { rest = rest.dropFirst(2) }
      return UInt16(rest[rest.startIndex]) << 8 | UInt16(rest[rest.startIndex + 1])
    }
    let operation = number()
    switch operation {
    case 1, 2:
      let request = try Self.request(rest)
      self = operation == 1 ? .read(request) : .write(request)
    case 3:
      let block = number()
      self = .data(block: block, Array(rest))
    case 4: self = .acknowledge(block: number())
    case 5:
      let code = number()
      // Some clients leave the zero out.
      self = .error(code: code, message: String(decoding: rest.prefix(256).prefix { $0 != 0 }, as: UTF8.self))
    case 6:
      guard rest.count <= Self.maximumRequestSize else {
        throw TFTPError(code: .tooLarge, "an OACK of \(rest.count) bytes is longer than any in earnest")
      }
      self = .optionAcknowledge(try Self.options(&rest))
    default: throw TFTPError(code: .invalid, "no TFTP operation has the number \(operation)")
    }
  }

  private static func request(_ bytes: ArraySlice<UInt8>) throws(TFTPError) -> TFTPRequest {
    guard bytes.count <= maximumRequestSize else {
      throw TFTPError(code: .tooLarge, "a request of \(bytes.count) bytes is longer than any in earnest")
    }
    var rest = bytes
    let name = try string(&rest, "the file name")
    let mode = try string(&rest, "the mode")
    guard mode.utf8.count <= 16 else { throw TFTPError(code: .invalid, "no mode has a name that long") }
    return TFTPRequest(name: name, mode: mode.lowercased(), options: try options(&rest))
  }

  private static func options(_ rest: inout ArraySlice<UInt8>) throws(TFTPError) -> [TFTPOption] {
    var options: [TFTPOption] = []
    while !rest.isEmpty {
      let name = try string(&rest, "an option's name").lowercased()
      let value = try string(&rest, "the value of option \(name.debugDescription)")
      guard !options.contains(where: { $0.name == name }) else {
        throw TFTPError(code: .invalid, "option \(name.debugDescription) is there twice")
      }
      guard options.count < maximumOptions else {
        throw TFTPError(code: .tooLarge, "a request has at most \(maximumOptions) options")
      }
      options.append(TFTPOption(name, value))
    }
    return options
  }

  private static func string(_ rest: inout ArraySlice<UInt8>, _ field: String) throws(TFTPError) -> String {
    guard let end = rest.firstIndex(of: 0) else {
      throw TFTPError(code: .truncated, "\(field) does not end with a zero")
    }
    defer { rest = rest[(end + 1)...] }
    guard let text = String(validating: rest[..<end], as: UTF8.self) else {
      throw TFTPError(code: .invalid, "\(field) is not UTF-8")
    }
    return text
  }

  /// The packet's bytes. Zeros inside of strings are left out.
  package var encoded: [UInt8] {
    func string(_ text: String) -> [UInt8] { text.utf8.filter { $0 != 0 } + [0] }
    func number(_ value: UInt16) -> [UInt8] { [UInt8(value >> 8), UInt8(value & 0xff)] }
    func request(_ operation: UInt16, _ request: TFTPRequest) -> [UInt8] {
      number(operation) + string(request.name) + string(request.mode)
        + request.options.flatMap { string($0.name) + string($0.value) }
    }
    switch self {
    case .read(let value): return request(1, value)
    case .write(let value): return request(2, value)
    case .data(let block, let bytes): return number(3) + number(block) + bytes
    case .acknowledge(let block): return number(4) + number(block)
    case .error(let code, let message): return number(5) + number(code) + string(message)
    case .optionAcknowledge(let options):
      return number(6) + options.flatMap { string($0.name) + string($0.value) }
    }
  }
}
