import Bytes
import Foundation
import Glibc
import ImageFormat
import Signing
import TestSupport
import Testing

@testable import SecureBoot

@Suite("external signers for Secure Boot", .enabled(if: findTool("openssl") != nil, "openssl is missing"))
struct SecureBootSignerTests {
  /// A signer of one shell command, with keys as PEM beside it.
  private func with(
    _ command: String, timeout: Int = 30, _ body: (SecureBootProgramSigner) async throws -> Void
  ) async throws {
    try await Workshop.with { shop in
      try shop.write(Keys.one.get().pem().utf8, "one.key")
      try shop.write(Keys.other.get().pem().utf8, "other.key")
      // A child writes it: what this process has open for writing, children of other tests may hold open, and then it
      // cannot be run (ETXTBSY).
      let script = "#!/bin/sh\ncd '\(shop.directory.path)'\n\(command)\n"
      let written = try run(
        ["install", "-m", "755", "/dev/stdin", shop.path("signer")], input: Array(script.utf8))
      try #require(written.status == 0, "\(written.errorText)")
      try await body(
        SecureBootProgramSigner(
          program: shop.path("signer"), certificate: Keys.one.get().certificate, timeout: timeout))
    }
  }

  private func failure(_ command: String, timeout: Int = 30) async throws -> (any Error)? {
    var failure: (any Error)?
    try await with(command, timeout: timeout) { signer in
      do { _ = try await signed(by: signer) } catch { failure = error }
    }
    return failure
  }

  private func signed(by signer: any SecureBootSigner) async throws -> [UInt8] {
    try await Authenticode.sign(PEImage(ByteRope(SamplePE.small())), by: signer).flattened()
  }

  @Test(
    "openssl signs for us, from the message or from its digest: the same bytes as our own key",
    arguments: [
      "[ \"$*\" = 'sign rsa-pkcs1-sha256' ] && openssl dgst -sha256 -sign one.key | base64 -w0",
      "openssl dgst -sha256 -binary > digest && openssl pkeyutl -sign -inkey one.key -in digest "
        + "-pkeyopt digest:sha256 | base64 -w0",
    ])
  func signs(command: String) async throws {
    try await with(command) { signer in
      let ours = try await signed(by: Keys.one.get().signer)
      #expect(try await signed(by: signer) == ours)
    }
  }

  @Test("a signature of another key, of something else, or with another padding is not passed on")
  func wrong() async throws {
    for command in [
      "openssl dgst -sha256 -sign other.key | base64 -w0",
      "echo x | openssl dgst -sha256 -sign one.key | base64 -w0",
      "openssl dgst -sha512 -sign one.key | base64 -w0",
      "openssl dgst -sha256 -sign one.key -sigopt rsa_padding_mode:pss | base64 -w0", "echo AAAA",
    ] {
      let error = try await failure(command)
      #expect((error as? SecureBootError)?.code == .badSignature, "\(command): \(String(describing: error))")
    }
  }

  @Test("garbage, failure and silence have their errors")
  func garbage() async throws {
    for command in ["true", "echo no base64", "echo QUJD QUJD"] {
      let error = try await failure(command) as? SecureBootError
      #expect(error?.code == .malformed)
    }
    let failed = try await failure("echo no token >&2; exit 3") as? SigningError
    #expect(failed?.code == .signer)
    #expect(failed?.description.contains("no token") == true)
    let late = try await failure("exec sleep 100", timeout: 1) as? SigningError
    #expect(late?.code == .timeout)
  }
}
