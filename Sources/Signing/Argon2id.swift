internal import CLibsodium
internal import Glibc

/// What it costs to try one passphrase (Argon2id, RFC 9106).
package struct Argon2id: Hashable, Sendable {
  /// Passes over the memory.
  package let passes: Int
  /// Memory in KiB.
  package let memoryKiB: Int

  /// libsodium's "moderate": 3 passes over 256 MiB, about a second.
  package static let moderate = Argon2id(uncheckedPasses: 3, memoryKiB: 256 * 1024)
  /// What a key file may ask for: a stranger's file must not take the machine's memory or an hour.
  package static let passesAllowed = 1...10
  package static let memoryKiBAllowed = 8...(1024 * 1024)

  static let saltByteCount = 16
  static let keyByteCount = 32

  private init(uncheckedPasses passes: Int, memoryKiB: Int) {
    self.passes = passes
    self.memoryKiB = memoryKiB
  }

  /// Throws `unsupported` outside what is allowed.
  package init(passes: Int, memoryKiB: Int) throws {
    guard Self.passesAllowed.contains(passes), Self.memoryKiBAllowed.contains(memoryKiB) else {
      throw SigningError(
        .unsupported,
        "the key file asks for Argon2id with \(passes) passes over \(memoryKiB) KiB, but at most "
          + "\(Self.passesAllowed.upperBound) over \(Self.memoryKiBAllowed.upperBound) KiB are accepted; "
          + "do not use a key file from a stranger")
    }
    self.init(uncheckedPasses: passes, memoryKiB: memoryKiB)
  }

  /// Stretches a passphrase into the 32 bytes that encrypt a key. Throws `system` if the memory is not there.
  func key(_ passphrase: SecretBytes, salt: [UInt8]) throws -> SecretBytes {
    let length = passphrase.count
    return try SecretBytes(
      count: Self.keyByteCount,
      fillingFrom: { key in
        let result = passphrase.withPointer { passphrase in
          passphrase.withMemoryRebound(to: CChar.self, capacity: length) { text in
            crypto_pwhash(
              key, UInt64(Self.keyByteCount), text, UInt64(length), salt, UInt64(passes), memoryKiB * 1024,
              crypto_pwhash_ALG_ARGON2ID13)
          }
        }
        guard result == 0 else {
          throw SigningError(
            .system, cause: ENOMEM,
            "opening the key needs \(memoryKiB / 1024) MiB of memory; free some and try again")
        }
      })
  }
}
