import Bytes
import Foundation
import ImageFormat
import Signing
import TestSupport
import Testing

@testable import SecureBoot

/// Keys that are made once, for tests that only use them.
enum Keys {
  static let one = make("one")
  static let other = make("other")
  /// 2024-02-29 12:34:56 UTC.
  static let time: Int64 = 1_709_210_096

  struct Pair: Sendable {
    let key: RSAPrivateKey
    let signer: SecureBootKeySigner
    var certificate: X509Certificate { signer.certificate }

    /// The key as OpenSSL reads it.
    func pem() throws -> String {
      let text = try key.der().withUnsafeBytes { Data($0) }.base64EncodedString(
        options: [.lineLength64Characters, .endLineWithLineFeed])
      return "-----BEGIN RSA PRIVATE KEY-----\n\(text)\n-----END RSA PRIVATE KEY-----\n"
    }
  }

  private static func make(_ name: String) -> Result<Pair, any Error> {
    Result {
      let key = try RSAPrivateKey.generate()
      let certificate = try X509Certificate(selfSigned: key, name: name, validFrom: time)
      return Pair(key: key, signer: try SecureBootKeySigner(key: key, certificate: certificate))
    }
  }
}

/// A directory with the files of a test, and programs that must succeed in it.
struct Workshop {
  let directory: URL

  static func with(_ body: (Workshop) async throws -> Void) async throws {
    try await withScratchDirectory { try await body(Workshop(directory: $0)) }
  }

  func path(_ name: String) -> String { directory.appendingPathComponent(name).path }

  func write(_ bytes: some Sequence<UInt8>, _ name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
  }

  func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  @discardableResult
  func succeed(_ arguments: String...) throws -> SubprocessResult {
    let result = try run(arguments, directory: directory.path)
    try #require(result.status == 0, "\(arguments): \(result.text)\(result.errorText)")
    return result
  }
}

/// The code of the error that `body` throws; `nil` if it throws none or another kind.
func code(_ body: () throws -> Void) -> SecureBootError.Code? {
  do {
    try body()
    return nil
  } catch {
    return (error as? SecureBootError)?.code
  }
}

func code(_ body: () async throws -> Void) async -> SecureBootError.Code? {
  do {
    try await body()
    return nil
  } catch {
    return (error as? SecureBootError)?.code
  }
}

/// A small program, signed by these.
func signed(_ program: [UInt8] = SamplePE.small(), by keys: [Keys.Pair]) async throws -> [UInt8] {
  var bytes = program
  for pair in keys {
    bytes = try await Authenticode.sign(PEImage(ByteRope(bytes)), by: pair.signer).flattened()
  }
  return bytes
}

func signers(_ bytes: [UInt8]) throws -> [X509Certificate] {
  try Authenticode.signatures(of: PEImage(ByteRope(bytes))).map(\.certificate)
}
