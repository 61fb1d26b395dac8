package import Bytes
package import Signing

/// A role's metadata with signatures (specification 4.2): what one file holds.
package struct Metadata<Content: RoleContent>: Sendable {
  /// The content, as it was read or made.
  package let signed: Content
  /// What the signatures are over: the canonical form of the signed part, unknown members included.
  package let signedBytes: [UInt8]
  /// In the order of the file; key identifiers differ.
  package private(set) var signatures: [MetadataSignature]
  /// Members beside `signed` and `signatures`.
  private let unknown: [JSONMember]
  /// The signed part as it was read or made, with everything that ``signed`` does not know.
  package let signedJSON: JSONValue
  /// The file that it was read from, while nothing has been added. Digests are over these bytes.
  private var source: [UInt8]?

  /// Metadata that nobody has signed yet.
  /// - Throws: `malformed` if an unknown member holds a number that canonical JSON does not have.
  package init(_ content: Content) throws(UpdateError) {
    signed = content
    signedJSON = content.json
    signedBytes = try CanonicalJSON.bytes(of: signedJSON)
    signatures = []
    unknown = []
    source = nil
  }

  /// Reads a file.
  /// - Parameters:
  ///   - role: The role's name, for errors.
  ///   - limit: The most bytes that it may have.
  /// - Throws: `tooLarge`, `malformed`, `wrongType` or `unsupported`.
  package init(_ bytes: [UInt8], role: String, limit: Int) throws(UpdateError) {
    guard bytes.count <= limit else {
      throw UpdateError(
        .tooLarge, role: role, "the file has more than \(limit) bytes, which no honest one needs")
    }
    let file: JSONValue
    do {
      file = try JSONParser.parse(bytes, maximumSize: limit, maximumDepth: 32)
    } catch {
      throw UpdateError(
        .malformed, role: role,
        "the file is no JSON (\(error))", remedy: "the server is damaged, or lies: use another mirror")
    }
    do {
      var reader = try ObjectReader(file, at: "")
      signedJSON = try reader.value("signed")
      signedBytes = try CanonicalJSON.bytes(of: signedJSON)
      signatures = try MetadataSignature.list(try reader.array("signatures"))
      unknown = reader.rest
      signed = try Content(json: signedJSON)
      source = bytes
    } catch {
      throw error.about(role: role)
    }
  }

  /// The file: as it was read, or else compact JSON, members sorted.
  package var bytes: [UInt8] { source ?? Array(json.encoded.utf8) + [0x0A] }

  var json: JSONValue {
    let list = signatures.map { signature in
      JSONValue.object([
        JSONMember("keyid", .string(signature.keyID.text)), JSONMember("sig", .string(signature.text)),
      ])
    }
    return .sorted([JSONMember("signatures", .array(list)), JSONMember("signed", signedJSON)] + unknown)
  }

  /// Adds a signature, in place of an earlier one by the same key.
  package mutating func add(_ signature: MetadataSignature) {
    source = nil
    signatures.removeAll { $0.keyID == signature.keyID }
    signatures.append(signature)
    signatures.sort { $0.keyID < $1.keyID }
  }

  /// Drops the signatures that none of these keys made.
  mutating func keepSignatures(of keys: [ExactString: VerificationKey]) {
    let kept = signatures.filter { signature in
      keys[signature.keyID].map { isSigned(by: $0, as: signature.keyID) } ?? false
    }
    guard kept.count < signatures.count else { return }
    source = nil
    signatures = kept
  }

  /// Signs it.
  package mutating func sign(with signer: some MetadataSigner) async throws {
    let bytes = try await signer.sign(signedBytes)
    add(MetadataSignature(keyID: ExactString(signer.keyID), text: Hex.encode(bytes)))
  }
}

/// One signature of a metadata file.
package struct MetadataSignature: Hashable, Sendable {
  package let keyID: ExactString
  /// Hexadecimal, if it is honest; anything else is a signature that does not count.
  package let text: String

  package init(keyID: ExactString, text: String) {
    self.keyID = keyID
    self.text = text
  }

  /// Reads the list of a file, whose key identifiers must differ (specification 4.2).
  static func list(_ elements: [JSONValue]) throws(UpdateError) -> [MetadataSignature] {
    var list: [MetadataSignature] = []
    for (position, element) in elements.enumerated() {
      var reader = try ObjectReader(element, at: "signatures[\(position)]")
      list.append(
        MetadataSignature(keyID: ExactString(try reader.string("keyid")), text: try reader.string("sig")))
    }
    guard Set(list.map(\.keyID)).count == list.count else {
      throw UpdateError(.malformed, "signatures has the same keyid twice, which must not be")
    }
    return list
  }
}
