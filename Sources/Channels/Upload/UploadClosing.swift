internal import Bytes
internal import ImageBuilder
internal import ImageFormat
internal import Signing

/// What ends an upload: signatures that lie beside the artifacts, without what they are about.
///
/// SBOM and provenance are among the artifacts, so their envelopes travel as signatures alone. A program that is signed for
/// Secure Boot travels as its certificate table, and only in an envelope by one of the keys that authorise uploads:
/// nothing else says whose table it is.
package struct UploadClosing: Sendable {
  package static let maximumSize = 1 << 20
  package static let payloadType = "application/vnd.netimg.publication+json"
  static let format = "netimg-publication-1"

  /// The release, for an envelope to be about one.
  let release: String
  /// By the envelope's name.
  var signatures: [String: [Envelope.Signature]] = [:]
  var certificates: [PEImage.Certificate] = []

  init(release: String) { self.release = release }

  /// Reads what was sent for a release.
  /// - Throws: `UploadError` `.malformed`, `.refused`.
  init(_ bytes: [UInt8], for release: String, by authority: ChannelPolicy.Authority) throws(UploadError) {
    let wrong = UploadError(
      .malformed, "the end of the upload is not as docs/formats/upload.md says; use another netimg")
    var payload = bytes
    var isSigned = false
    if let envelope = try? Envelope(json: bytes, source: "the end of the upload") {
      do {
        payload = try envelope.verify(
          keys: authority.keys, threshold: 1, payloadType: Self.payloadType)
        isSigned = true
      } catch {
        throw UploadError(.refused, "the end of the upload is not signed as it must be: \(error)")
      }
    }
    guard let value = try? JSONParser.parse(payload, maximumSize: Self.maximumSize, maximumDepth: 6),
      value["format"]?.text == Self.format, value["release"]?.text == release
    else { throw wrong }
    self.release = release
    for document in SignedDocument.all {
      guard let elements = value["signatures"]?[document.envelope]?.elements else { continue }
      guard elements.count <= Envelope.maximumSignatures else { throw wrong }
      for element in elements {
        guard let keyID = element["keyid"]?.text,
          let bytes = element["sig"]?.text.flatMap({ Base64.decode($0) })
        else { throw wrong }
        signatures[document.envelope, default: []].append(Envelope.Signature(keyID: keyID, bytes: bytes))
      }
    }
    for element in value["certificates"]?.elements ?? [] {
      guard let type = element["type"]?.integer.flatMap({ UInt16(exactly: $0) }),
        let content = element["content"]?.text.flatMap({ Base64.decode($0) }),
        certificates.count < PEImage.maximumCertificates
      else { throw wrong }
      certificates.append(PEImage.Certificate(type: type, content: content))
    }
    guard certificates.isEmpty || isSigned else {
      throw UploadError(
        .refused,
        "\(ReleaseFile.signedUKI) comes without a signature of who sends it: give --signer with a key that may publish"
      )
    }
  }

  var bytes: [UInt8] {
    let lists = signatures.sorted { $0.key < $1.key }.map { name, list in
      JSONMember(
        name,
        .array(
          list.map {
            .object([
              JSONMember("keyid", .string($0.keyID)), JSONMember("sig", .string(Base64.encode($0.bytes))),
            ])
          }))
    }
    let table = certificates.map { certificate in
      JSONValue.object([
        JSONMember("type", .integer(Int(certificate.type))),
        JSONMember("content", .string(Base64.encode(certificate.content))),
      ])
    }
    let value = JSONValue.object([
      JSONMember("format", .string(Self.format)), JSONMember("release", .string(release)),
      JSONMember("signatures", .object(lists)), JSONMember("certificates", .array(table)),
    ])
    return Array(value.encoded.utf8)
  }
}
