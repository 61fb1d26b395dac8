import Bytes
import Foundation
import Signing
import TestSupport

/// The vectors of RFC 8032, section 7.1.
struct Vector: Sendable {
  let seed: String
  let publicKey: String
  let message: String
  let signature: String

  static let all = [
    Vector(
      seed: "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
      publicKey: "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
      message: "",
      signature: "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555f"
        + "b8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"),
    Vector(
      seed: "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
      publicKey: "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
      message: "72",
      signature: "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da08"
        + "5ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"),
    Vector(
      seed: "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
      publicKey: "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
      message: "af82",
      signature: "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18"
        + "ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"),
  ]

  func pair(_ name: String = "rfc8032") throws -> KeyPair { try keyPair(seed: seed, name: name) }
}

struct BadFixture: Error {}

func unhex(_ text: String) throws -> [UInt8] {
  guard let bytes = Hex.decode(text) else { throw BadFixture() }
  return bytes
}

func keyPair(seed: String, name: String) throws -> KeyPair {
  try KeyPair(seed: unhex(seed).withUnsafeBytes { try SecretBytes(copying: $0) }, name: name)
}

/// A pair for tests that need several: the seed repeats one byte.
func keyPair(_ seed: UInt8, name: String) throws -> KeyPair {
  try keyPair(seed: Hex.encode([UInt8](repeating: seed, count: 32)), name: name)
}

/// The least that Argon2id can cost: the tests are about the format.
func cheap() throws -> Argon2id { try Argon2id(passes: 1, memoryKiB: 8) }

func signingError(_ body: () throws -> Void) -> SigningError? {
  do {
    try body()
    return nil
  } catch {
    return error as? SigningError
  }
}

func signingError(_ body: () async throws -> Void) async -> SigningError? {
  do {
    try await body()
    return nil
  } catch {
    return error as? SigningError
  }
}

/// Runs a foreign tool; gives its status and what it printed.
@discardableResult
func run(_ tool: String, _ arguments: [String]) throws -> (status: Int32, output: Data) {
  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = [tool] + arguments
  let output = Foundation.Pipe()
  process.standardOutput = output
  process.standardError = FileHandle.nullDevice
  process.standardInput = FileHandle.nullDevice
  try process.run()
  let data = try output.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  return (process.terminationStatus, data)
}

func isInstalled(_ tool: String, _ arguments: [String]) -> Bool {
  (try? run(tool, arguments).status) == 0
}

let hasOpenSSL = isInstalled("openssl", ["version"])
let hasSecureSystemsLib = isInstalled(testPython, ["-c", "import securesystemslib.dsse, cryptography"])
let hasPyNaCl = isInstalled(testPython, ["-c", "import nacl.bindings"])

/// The pair's secret half as a PKCS #8 file (RFC 8410, section 7) for openssl.
func writePKCS8(_ seed: String, _ path: String) throws {
  let key = try unhex("302e020100300506032b657004220420" + seed)
  let pem = "-----BEGIN PRIVATE KEY-----\n\(Data(key).base64EncodedString())\n-----END PRIVATE KEY-----\n"
  try Data(pem.utf8).write(to: URL(filePath: path))
}
