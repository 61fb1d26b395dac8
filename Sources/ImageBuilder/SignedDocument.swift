internal import Provenance

/// A file of a release that has a DSSE envelope of its own, for tools that know its format and not release.json.
package struct SignedDocument: Sendable {
  package let file: String
  package let payloadType: String
  package let envelope: String

  package static let all = [
    SignedDocument(
      file: ReleaseFile.sbom, payloadType: SPDXDocument.mediaType, envelope: ReleaseFile.sbomSignature),
    SignedDocument(
      file: ReleaseFile.provenance, payloadType: SLSAStatement.payloadType,
      envelope: ReleaseFile.provenanceSignature),
  ]
}
