internal import Bytes
package import Signing

/// A public key as metadata carry it (specification 4.2, KEY). A key of a kind that is not known here is
/// kept, and never verifies anything.
package struct VerificationKey: Hashable, Sendable {
  /// `ed25519`, `ecdsa`, `rsa`, or the older `ecdsa-sha2-nistp256`.
  package let type: String
  /// How it signs: `ed25519`, `ecdsa-sha2-nistp256`, `ecdsa-sha2-nistp384`, `rsassa-pss-sha256`.
  package let scheme: String
  /// `keyval.public`: hexadecimal for Ed25519, PEM for the others.
  package let material: String
  /// The whole object, with members that are not defined here.
  package let json: JSONValue

  /// A key of the given kind.
  package init(type: String, scheme: String, material: String) {
    self.type = type
    self.scheme = scheme
    self.material = material
    json = .object([
      JSONMember("keytype", .string(type)),
      JSONMember("keyval", .object([JSONMember("public", .string(material))])),
      JSONMember("scheme", .string(scheme)),
    ])
  }

  /// An Ed25519 key of the directory of keys; its identifier is the same here and there.
  package init(_ key: PublicKey) {
    self.init(type: "ed25519", scheme: "ed25519", material: Hex.encode(key.bytes))
  }

  /// - Throws: `malformed`.
  init(_ value: JSONValue, at place: String) throws(UpdateError) {
    var reader = try ObjectReader(value, at: place)
    type = try reader.string("keytype")
    scheme = try reader.string("scheme")
    var inner = try ObjectReader(try reader.value("keyval"), at: "\(place).keyval")
    material = try inner.string("public")
    json = value
  }

  /// SHA-256 of the canonical form, in hexadecimal: how a key is named when this library adds it. Metadata of
  /// others may name theirs as they like.
  package var keyID: String { SHA256.digest(of: Array(json.canonical.utf8)).hex }
}
