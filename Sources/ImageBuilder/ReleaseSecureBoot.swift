internal import Bytes
internal import CPosixShim
internal import Glibc
internal import ImageFormat
package import SecureBoot

/// Secure Boot for a release: a last step of its own, after the build. `uki.efi` and release.json stay what they are, so
/// that the release keeps its name and stays reproducible; the signed program lies beside them as `uki.signed.efi`.
package enum ReleaseSecureBoot {
  /// What signing came to.
  package struct Outcome: Sendable {
    /// The path of the signed program.
    package let path: String
    /// Everybody who has signed, in the order of the signatures.
    package let signers: [X509Certificate]
    /// Whether the file is another than before.
    package let isChanged: Bool
    /// SHA-256 of the signed file, as hexadecimal, and its bytes.
    package let digest: String
    package let size: Int
  }

  /// Signs a release's UKI, or adds a signature to those that it has. Nothing else is touched; the file changes in one
  /// step, or not at all. Whoever has signed already signs no second time.
  ///
  /// - Parameters:
  ///   - alone: whether the signatures of others are dropped.
  ///   - announce: told the temporary file, which an interruption should remove.
  /// - Throws: `verification` if the UKI is not the one that release.json names, or the present `uki.signed.efi` is not
  ///   that program; what the signer throws; `inputOutput`.
  package static func sign(
    _ directory: String, by signer: any SecureBootSigner, alone: Bool, announce: (String) -> Void = { _ in }
  ) async throws -> Outcome {
    let reader = try ReleaseReader(directory)
    let lock = try lock(directory)
    defer { close(lock) }
    let uki = try unsigned(reader)
    let present = try reader.readIfPresent(ReleaseFile.signedUKI)
    var image = uki
    if let present, !alone {
      image = try PEImage(ByteRope(present))
      guard image.isSameProgram(as: uki) else { throw otherProgram(directory) }
    }
    let signed = try await Authenticode.sign(image, by: signer)
    let bytes = signed.flattened()
    // What is written is what a verifier takes, whoever made the signature.
    let signatures = try Authenticode.signatures(of: PEImage(ByteRope(bytes)))
    let path = "\(directory)/\(ReleaseFile.signedUKI)"
    if bytes != present { try replace(path, with: bytes, announce) }
    return Outcome(
      path: path, signers: signatures.map(\.certificate), isChanged: bytes != present,
      digest: SHA256.digest(of: bytes).hex, size: bytes.count)
  }

  /// Who has signed a release's UKI for Secure Boot, in the order of the signatures; nobody if there is no signed file.
  ///
  /// - Throws: `verification`, `SecureBootError` or `ImageFormatError` if the signed file is not exactly the release's UKI
  ///   and good signatures of it.
  package static func signers(of reader: ReleaseReader) throws -> [X509Certificate] {
    guard let bytes = try reader.readIfPresent(ReleaseFile.signedUKI) else { return [] }
    return try signers(of: bytes, over: unsigned(reader), in: reader.directory)
  }

  /// The same for the bytes of both files, of which the UKI's are known to be right.
  package static func signers(
    ofSigned bytes: [UInt8], uki: [UInt8], in directory: String
  ) throws -> [X509Certificate] {
    try signers(of: bytes, over: PEImage(ByteRope(uki)), in: directory)
  }

  private static func signers(
    of bytes: [UInt8], over uki: PEImage, in directory: String
  ) throws -> [X509Certificate] {
    let image = try PEImage(ByteRope(bytes))
    guard image.isSameProgram(as: uki) else { throw otherProgram(directory) }
    let signatures = try Authenticode.signatures(of: image)
    guard !signatures.isEmpty else {
      throw BuildError(
        .verification, "\(directory)/\(ReleaseFile.signedUKI) has no signature: sign it again")
    }
    return signatures.map(\.certificate)
  }

  /// The UKI, if it is the one that release.json names.
  private static func unsigned(_ reader: ReleaseReader) throws -> PEImage {
    let bytes = try reader.read(ReleaseFile.uki)
    let digest = SHA256.digest(of: bytes).hex
    guard let artifact = reader.release.artifacts.first(where: { $0.name == ReleaseFile.uki }),
      artifact.sha256 == digest
    else {
      throw BuildError(
        .verification,
        "\(reader.directory)/\(ReleaseFile.uki) has SHA-256 \(digest), which is not what "
          + "\(ReleaseFile.release) says: fetch the release again, or build it")
    }
    return try PEImage(ByteRope(bytes))
  }

  private static func otherProgram(_ directory: String) -> BuildError {
    BuildError(
      .verification,
      "\(directory)/\(ReleaseFile.signedUKI) is another program than \(ReleaseFile.uki): remove it, and sign again"
    )
  }

  /// Two who sign at the same time would lose one signature.
  private static func lock(_ directory: String) throws -> Int32 {
    let path = "\(directory)/\(ReleaseFile.uki)"
    let file = netimg_open(path, O_RDONLY, 0)
    guard file >= 0 else { throw BuildError(.missingInput, "\(path): \(String(cString: strerror(errno)))") }
    while flock(file, LOCK_EX) != 0 {
      guard errno == EINTR else {
        close(file)
        throw BuildError(.inputOutput, "cannot lock \(path): \(String(cString: strerror(errno)))")
      }
    }
    return file
  }

  private static func replace(_ path: String, with bytes: [UInt8], _ announce: (String) -> Void) throws {
    let temporary = "\(path).partial-\(getpid())"
    let file = netimg_open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o644)
    guard file >= 0 else { throw failure("create", temporary) }
    announce(temporary)
    var isDone = false
    defer {
      close(file)
      if !isDone { unlink(temporary) }
    }
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(file, $0.baseAddress?.advanced(by: written), bytes.count - written)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw failure("write", temporary) }
      written += count
    }
    guard fchmod(file, 0o644) == 0, fsync(file) == 0 else { throw failure("write", temporary) }
    guard rename(temporary, path) == 0 else { throw failure("replace", path) }
    isDone = true
  }

  private static func failure(_ action: String, _ path: String) -> BuildError {
    BuildError(.inputOutput, "cannot \(action) \(path): \(String(cString: strerror(errno)))")
  }
}
