import Foundation
import Signing
import TestSupport

@testable import ImageBuilder

/// A signed release of the tiny image on disk, to be damaged.
struct ReleaseFixture {
  let directory: String
  let built: BuiltRelease
  let key: KeyPair

  static func with<Result>(_ body: (ReleaseFixture) async throws -> Result) async throws -> Result {
    let built = try await made.value
    let key = try KeyPair.generate(name: "build")
    return try await withScratchDirectory { scratch in
      let directory = scratch.appendingPathComponent("release").path
      try await built.write(to: directory, signer: FileSigner(key), replacing: false)
      return try await body(ReleaseFixture(directory: directory, built: built, key: key))
    }
  }

  private static let made = Task { try await TinyImage().build() }

  func path(_ name: String) -> String { "\(directory)/\(name)" }

  func read(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: path(name)))
  }

  func flip(_ name: String, at offset: Int, bit: UInt8 = 0) throws {
    var bytes = try read(name)
    bytes[offset] ^= 1 << bit
    try write(bytes, to: name)
  }

  /// Rewrites release.json; the signature is then another one's.
  func edit(_ change: (inout Release) -> Void) throws {
    var release = try Release.decode(read(ReleaseFile.release), file: "release.json")
    change(&release)
    try write(release.encode(), to: ReleaseFile.release)
  }

  /// What verification finds, with the release's own key unless told otherwise.
  func findings(keys: [PublicKey]? = nil, threshold: Int = 1) async throws -> [String] {
    try await ReleaseVerifier(directory).verify(keys: keys ?? [key.publicKey], threshold: threshold).findings
  }

  /// What is found when nobody looks at signatures.
  func unsignedFindings() async throws -> [String] { try await findings(keys: []) }
}
