internal import CLibsodium
internal import Glibc

/// Bytes that must not leak: in memory of their own between guard pages, locked against swapping where the
/// system allows it, left out of core dumps, read-only once filled, and zeroed when the last owner goes
/// (`sodium_malloc`). They print as their count.
package final class SecretBytes: Sendable {
  /// How many there are.
  package let count: Int
  // Nobody writes to it after init: the pages are read-only.
  private nonisolated(unsafe) let base: UnsafeMutableRawPointer

  /// Allocates `count` zeros and lets `fill` write them; whatever `fill` throws, nothing stays in memory.
  package init(count: Int, fill: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
    try Sodium.start()
    guard let base = sodium_malloc(max(count, 1)) else {
      throw SigningError(
        .system, cause: errno, "cannot get protected memory for a secret; raise the limit on locked memory")
    }
    self.base = base
    self.count = count
    sodium_memzero(base, max(count, 1))
    // If this throws, all properties are set and deinit runs: it alone frees.
    try fill(UnsafeMutableRawBufferPointer(start: base, count: count))
    sodium_mprotect_readonly(base)
  }

  /// The same for C functions, which take a pointer alone: `fill` must write `count` bytes and no more.
  convenience init(count: Int, fillingFrom fill: (UnsafeMutablePointer<UInt8>) throws -> Void) throws {
    try self.init(count: count) { buffer in
      guard let base = buffer.assumingMemoryBound(to: UInt8.self).baseAddress else { return }
      try fill(base)
    }
  }

  /// A copy; the original is the caller's to zero.
  package convenience init(copying bytes: UnsafeRawBufferPointer) throws {
    try self.init(count: bytes.count) { $0.copyMemory(from: bytes) }
  }

  /// Takes over the bytes of an array and zeroes it; copies that the array's owner made stay where they are.
  convenience init(moving bytes: inout [UInt8]) throws {
    defer { sodium_memzero(&bytes, bytes.count) }
    try self.init(count: bytes.count) { $0.copyBytes(from: bytes) }
  }

  /// A copy of the text's UTF-8 (the string itself stays in ordinary memory: for environment variables).
  package convenience init(utf8 text: String) throws {
    try self.init(count: text.utf8.count) { $0.copyBytes(from: text.utf8) }
  }

  deinit { sodium_free(base) }

  /// Lends the bytes for the length of the call; the pointer must not outlive it.
  package func withUnsafeBytes<Result>(_ body: (UnsafeRawBufferPointer) throws -> Result) rethrows -> Result {
    try body(UnsafeRawBufferPointer(start: base, count: count))
  }

  /// The same for C functions.
  func withPointer<Result>(_ body: (UnsafePointer<UInt8>) throws -> Result) rethrows -> Result {
    try body(UnsafePointer(base.assumingMemoryBound(to: UInt8.self)))
  }

  /// Compares in a time that depends on the counts only.
  package func isEqual(to other: SecretBytes) -> Bool {
    count == other.count && sodium_memcmp(base, other.base, count) == 0
  }
}

extension SecretBytes: CustomStringConvertible, CustomReflectable {
  package var description: String { "(\(count) secret bytes)" }
  package var customMirror: Mirror { Mirror(self, children: []) }
}
