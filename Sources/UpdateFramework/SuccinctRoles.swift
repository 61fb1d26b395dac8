package import Bytes
internal import Signing

/// Bins of the same keys, a target's bin being given by the hash of its path (TAP 15).
package struct SuccinctRoles: Hashable, Sendable {
  package var keys: RoleKeys
  /// 1 to 32: there are 2 to the power of this many bins.
  package let bitLength: Int
  /// A bin is called this, a dash and its number in hexadecimal.
  package let namePrefix: String

  package init(keys: RoleKeys, bitLength: Int, namePrefix: String) {
    precondition((1...32).contains(bitLength), "TAP 15 has 1 to 32 bits")
    self.keys = keys
    self.bitLength = bitLength
    self.namePrefix = namePrefix
  }

  init(_ value: JSONValue, at place: String) throws(UpdateError) {
    var reader = try ObjectReader(value, at: place)
    keys = try RoleKeys(&reader)
    bitLength = try reader.integer("bit_length", atLeast: 1)
    guard bitLength <= 32 else { throw reader.wrong("bit_length", "at most 32") }
    namePrefix = try reader.string("name_prefix")
    keys.unknown = reader.rest
  }

  var json: JSONValue {
    .sorted(
      keys.members + [
        JSONMember("bit_length", .integer(bitLength)), JSONMember("name_prefix", .string(namePrefix)),
      ])
  }

  /// Digits of a bin's number.
  private var digitCount: Int { (bitLength + 3) / 4 }

  /// The name of the bin with that number.
  package func name(of bin: Int) -> ExactString {
    let digits = String(bin, radix: 16)
    return ExactString(
      "\(namePrefix)-\(String(repeating: "0", count: max(0, digitCount - digits.count)))\(digits)")
  }

  /// The bin of a path.
  package func role(for path: String) -> ExactString {
    let first = SHA256.digest(of: Array(path.utf8)).bytes.prefix(4)
    let number = first.reduce(0) { $0 << 8 | Int($1) }
    return name(of: number >> (32 - bitLength))
  }

  /// Whether the name is that of a bin.
  package func contains(_ name: ExactString) -> Bool {
    let prefix = Array("\(namePrefix)-".utf8)
    let bytes = Array(name.text.utf8)
    guard bytes.starts(with: prefix), bytes.count == prefix.count + digitCount,
      let number = Int(String(decoding: bytes[prefix.count...], as: UTF8.self), radix: 16),
      number >= 0, number < 1 << bitLength
    else { return false }
    return self.name(of: number) == name
  }
}
