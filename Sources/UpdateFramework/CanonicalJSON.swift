package import Signing

/// OLPC canonical JSON, over which signatures and key identifiers are made (specification 4.2).
package enum CanonicalJSON {
  /// The bytes: members sorted by code points, no white space, nothing escaped but `"` and `\`.
  /// - Throws: `malformed` for a fraction, an exponent or an integer beyond 64 bits, which the form does not
  ///   have.
  package static func bytes(of value: JSONValue) throws(UpdateError) -> [UInt8] {
    try check(value)
    return Array(value.canonical.utf8)
  }

  private static func check(_ value: JSONValue) throws(UpdateError) {
    switch value {
    case .number(let digits):
      throw UpdateError(
        .malformed,
        "the number \(digits.prefix(40)) is no integer of 64 bits, and canonical JSON has no others")
    case .array(let elements): for element in elements { try check(element) }
    case .object(let members): for member in members { try check(member.value) }
    case .null, .bool, .integer, .string: break
    }
  }
}
