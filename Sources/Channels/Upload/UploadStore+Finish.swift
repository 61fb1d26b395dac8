internal import Bytes
internal import FoundationEssentials
internal import Glibc
internal import ImageBuilder
internal import ImageFormat
internal import Signing

extension UploadStore {
  /// Lays an upload out as a release, lets the destination check and take it, and forgets it.
  /// - Parameter closing: An ``UploadClosing``.
  /// - Throws: ``UploadError``; what was sent stays.
  package func finish(_ release: String, _ closing: [UInt8]) async throws -> UploadOutcome {
    try await withTurn(release) {
      let upload = try upload(release)
      let closing = try UploadClosing(closing, for: release, by: destination.authority())
      _ = try destination.check(upload.release, upload.manifest)
      let source = destination.files(like: upload.release.name)
      let (items, isIndexed) = try items(of: upload, source)
      let paths = items.map { path(of: $0, in: release, source) }
      let missing = paths.count { $0 == nil }
      guard isIndexed, missing == 0 else {
        throw UploadError(.conflict, "\(missing) files are missing: ask what is, and send them")
      }
      let view = "\(directory(of: release))/release"
      try? FileManager.default.removeItem(atPath: view)
      try FileManager.default.createDirectory(
        atPath: "\(view)/\(ReleaseFile.frames)", withIntermediateDirectories: true)
      defer { try? FileManager.default.removeItem(atPath: view) }
      for (item, path) in zip(items, paths) {
        // Frames may be listed twice.
        guard let path, symlink(path, "\(view)/\(item.name)") == 0 || errno == EEXIST else {
          throw UploadError(.failed, "cannot write \(view): \(String(cString: strerror(errno)))")
        }
      }
      try FileIO.create("\(view)/\(ReleaseFile.release)", upload.manifest, mode: 0o644)
      try writeCompanions(of: upload, closing, to: view)
      let result: (isChanged: Bool, bytes: Int)
      do { result = try await destination.publish(view) } catch {
        let failure = UploadError(error)
        // The sender does not know the directory.
        throw UploadError(failure.code, failure.description.replacing(view, with: "the release"))
      }
      forget(release)
      return UploadOutcome(
        release: release, image: upload.release.name, version: upload.release.version,
        changed: result.isChanged)
    }
  }

  private func writeCompanions(of upload: SignedUpload, _ closing: UploadClosing, to view: String) throws {
    let witnesses = try destination.authority().keys + destination.witnesses()
    try write(upload.envelope, ReleaseFile.signature, upload, witnesses, to: view)
    for document in SignedDocument.all {
      guard let list = closing.signatures[document.envelope] else {
        if let bytes = try destination.companion(document.envelope, of: upload.digest) {
          try FileIO.create("\(view)/\(document.envelope)", bytes, mode: 0o644)
        }
        continue
      }
      let payload = try ReleaseReader(view).read(document.file)
      let envelope = Envelope(payloadType: document.payloadType, payload: payload, signatures: list)
      try write(envelope, document.envelope, upload, witnesses, to: view)
    }
    if !closing.certificates.isEmpty {
      let program = try PEImage(ByteRope(try ReleaseReader(view).read(ReleaseFile.uki)))
      let signed = try program.replacingCertificates(closing.certificates)
      try FileIO.create("\(view)/\(ReleaseFile.signedUKI)", signed.flattened(), mode: 0o644)
    } else if let bytes = try destination.companion(ReleaseFile.signedUKI, of: upload.digest) {
      try FileIO.create("\(view)/\(ReleaseFile.signedUKI)", bytes, mode: 0o644)
    }
  }

  /// Writes an envelope with the signatures that were sent and those that are here. One that no known key made is left
  /// out: anybody could add such ones.
  private func write(
    _ envelope: Envelope, _ name: String, _ upload: SignedUpload, _ witnesses: [PublicKey], to view: String
  ) throws {
    var present: [Envelope.Signature] = []
    if let bytes = try destination.companion(name, of: upload.digest),
      let other = try? Envelope(json: bytes, source: name), other.payload == envelope.payload,
      other.payloadType == envelope.payloadType
    {
      present = other.signatures
    }
    let message = envelope.signedBytes
    let sent = envelope.signatures.filter { signature in
      !present.contains(signature)
        && witnesses.contains { $0.isValidSignature(signature.bytes, for: message) }
    }
    var list = present + sent
    list.sort { $0.keyID < $1.keyID }
    let whole = Envelope(
      payloadType: envelope.payloadType, payload: envelope.payload,
      signatures: Array(list.prefix(Envelope.maximumSignatures)))
    try FileIO.create("\(view)/\(name)", whole.json, mode: 0o644)
  }
}
