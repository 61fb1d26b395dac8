/// A sequence of byte chunks that stands for their concatenation: big artifacts share frames instead of copying them.
package struct ByteRope: Sendable {
  /// The chunks, in order; none is empty.
  package private(set) var chunks: [[UInt8]] = []
  /// The length of the concatenation in bytes.
  package private(set) var count: Int = 0

  package init() {}

  package init(_ bytes: [UInt8]) {
    append(bytes)
  }

  package mutating func append(_ chunk: [UInt8]) {
    guard !chunk.isEmpty else { return }
    chunks.append(chunk)
    count += chunk.count
  }

  package mutating func append(_ other: ByteRope) {
    for chunk in other.chunks { append(chunk) }
  }

  /// Appends zeros until the length is a multiple of `boundary` (greater than 0).
  package mutating func align(to boundary: Int) {
    let excess = count % boundary
    if excess != 0 { append([UInt8](repeating: 0, count: boundary - excess)) }
  }

  /// SHA-256 of the concatenation.
  package var digest: SHA256Digest {
    var hash = SHA256()
    for chunk in chunks { hash.update(chunk) }
    return hash.finish()
  }

  /// The concatenation, copied into one array.
  package func flattened() -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(count)
    for chunk in chunks { bytes.append(contentsOf: chunk) }
    return bytes
  }
}
