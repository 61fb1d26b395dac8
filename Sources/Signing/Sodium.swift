internal import CLibsodium

/// libsodium, initialised once, and the few of its helpers that are used everywhere.
enum Sodium {
  private static let isReady = sodium_init() >= 0

  /// Must come before anything else: it picks implementations and seeds the random generator.
  static func start() throws(SigningError) {
    guard isReady else {
      throw SigningError(.system, "libsodium could not start: is /dev/urandom there?")
    }
  }

  static func randomBytes(_ count: Int) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    randombytes_buf(&bytes, count)
    return bytes
  }

  /// Compares in a time that depends on the lengths only.
  static func equal(_ left: [UInt8], _ right: [UInt8]) -> Bool {
    left.count == right.count && sodium_memcmp(left, right, left.count) == 0
  }
}
