package import Bytes
internal import CPosixShim
internal import FoundationEssentials
internal import Glibc
package import Signing

extension KeptRelease {
  /// Whether a directory is exactly this release: the same files and no others, each read and hashed, on all cores.
  /// A UKI that is signed for Secure Boot may lie beside them.
  ///
  /// - Parameter signer: whose signatures must be there; `nil` for a release without any.
  package func isIntact(at directory: String, signedBy signer: PublicKey?) async -> Bool {
    let envelopes = signer == nil ? [] : [ReleaseFile.signature] + SignedDocument.all.map(\.envelope)
    var expected = files.map { (name: $0.name, size: $0.size, digest: $0.digest) }
    expected.append((ReleaseFile.release, manifest.count, digest))
    var names = Self.names(in: directory)
    // Signed for Secure Boot, it is still this release.
    if names.remove(ReleaseFile.signedUKI) != nil {
      guard let reader = try? ReleaseReader(directory),
        (try? ReleaseSecureBoot.signers(of: reader)) != nil
      else { return false }
    }
    guard names == Set(expected.map(\.name) + envelopes) else { return false }
    // The largest first, so that no core waits for the other at the end.
    expected.sort { ($1.size, $0.name) < ($0.size, $1.name) }
    let checked = try? await concurrentMap(expected) { file in
      FileDigest.of("\(directory)/\(file.name)", size: file.size) == file.digest
    }
    guard checked?.allSatisfy(\.self) == true else { return false }
    guard let signer else { return true }
    return isSigned(by: signer, at: directory)
  }

  private func isSigned(by signer: PublicKey, at directory: String) -> Bool {
    guard let reader = try? ReleaseReader(directory) else { return false }
    func holds(_ envelope: String, _ payloadType: String, _ payload: [UInt8]) -> Bool {
      guard let bytes = try? reader.read(envelope), let found = try? Envelope(json: bytes, source: envelope)
      else { return false }
      return (try? found.verify(keys: [signer], threshold: 1, payloadType: payloadType)) == payload
    }
    return holds(ReleaseFile.signature, BuiltRelease.payloadType, manifest)
      && SignedDocument.all.allSatisfy { document in
        guard let payload = try? reader.read(document.file) else { return false }
        return holds(document.envelope, document.payloadType, payload)
      }
  }

  /// Every name in a release's directory, and in its directory of frames.
  private static func names(in directory: String) -> Set<String> {
    let frames = "\(directory)/\(ReleaseFile.frames)"
    let top = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    let below = (try? FileManager.default.contentsOfDirectory(atPath: frames)) ?? []
    return Set(top).subtracting([ReleaseFile.frames]).union(below.map { "\(ReleaseFile.frames)/\($0)" })
  }
}

/// Digests of files on disk, a piece at a time.
package enum FileDigest {
  private static let pieceSize = 1 << 20

  /// SHA-256 of a regular file; `nil` if it is none, cannot be read, or has another size than `size`.
  package static func of(_ path: String, size: Int? = nil) -> SHA256Digest? {
    let file = netimg_open(path, O_RDONLY | O_NONBLOCK, 0)
    guard file >= 0 else { return nil }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
      size == nil || Int(status.st_size) == size
    else { return nil }
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: pieceSize, alignment: 16)
    defer { buffer.deallocate() }
    var hash = SHA256()
    while true {
      let count = read(file, buffer.baseAddress, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return hash.finish() }
      hash.update(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    }
  }
}
