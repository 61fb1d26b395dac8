internal import Bytes
internal import FrameFormat
internal import Glibc
internal import ImageFormat

/// The expensive loops of a build, each by itself on one core. Prints; asserts nothing.
@main
enum Main {
  static func main() async throws {
    let data = Samples.mixed(64 << 20)
    print("One core, 64 MiB that compress about as programs do")
    try row("SHA-256", bytes: data.count) { _ = SHA256.digest(of: data) }
    try row("dm-verity tree, all levels", bytes: data.count) {
      let leaves = data.withUnsafeBytes { DmVerity.leafHashes(of: $0) }
      _ = try DmVerity.tree(leafHashes: leaves, uuid: identity)
    }
    for level in [1, 3, 6, 9, 12, 15, 19] {
      // High levels get a part of it, so that the whole stays short.
      let part = level < 12 ? data.count : level < 19 ? data.count / 4 : data.count / 16
      var stored = 0
      try row("zstd -\(level), frames of 4 MiB", bytes: part, result: { "to \(percent(stored, part))" }) {
        stored = try compress(data, count: part, level: level)
      }
    }

    print("\nOne core, EROFS images written to a file: metadata encoded, file data put in its place")
    for count in [10_000, 100_000] {
      let sizes = count == 10_000 ? Samples.programSizes : Samples.smallSizes
      let tree = Samples.tree(files: count, sizes: sizes)
      var metadataSize = 0
      let seconds = try measure { metadataSize = try write(tree, data) }
      let size = tree.blocks * EROFS.blockSize + metadataSize
      print(
        "  \(padded("\(count) files, \(size >> 20) MiB", 30))\(decimal(Double(size) / seconds / 1e6)) MB/s  "
          + "in \(decimal(seconds)) s, \(decimal(Double(metadataSize) / Double(1 << 20))) MiB of it metadata")
    }
    try await Repositories.run()
    try await Repositories.runLookups()
  }

  private static let identity = [UInt8](repeating: 1, count: 16)

  /// Writes a whole image to an unnamed file; gives the metadata's size in bytes.
  private static func write(_ tree: Samples.Tree, _ data: [UInt8]) throws -> Int {
    guard let file = tmpfile() else { throw Problem("no temporary file: errno \(errno)") }
    defer { fclose(file) }
    let metadata = try EROFS.encode(
      tree.entries, dataBlocks: UInt32(tree.blocks), timestamp: 0, uuid: identity, label: "bench")
    try put(metadata.superblock[...], file)
    let zeros = [UInt8](repeating: 0, count: EROFS.blockSize)
    for size in tree.sizes {
      try put(data[..<size], file)
      let excess = size % EROFS.blockSize
      if excess != 0 { try put(zeros[excess...], file) }
    }
    try put(metadata.metadata[...], file)
    guard fflush(file) == 0 else { throw Problem("the temporary file cannot be written: errno \(errno)") }
    return metadata.superblock.count + metadata.metadata.count
  }

  private static func put(_ bytes: ArraySlice<UInt8>, _ file: UnsafeMutablePointer<FILE>) throws {
    guard bytes.withUnsafeBytes({ fwrite($0.baseAddress, 1, $0.count, file) }) == bytes.count else {
      throw Problem("the temporary file cannot be written: errno \(errno)")
    }
  }

  private struct Problem: Error {
    let message: String

    init(_ message: String) { self.message = message }
  }

  private static func compress(_ data: [UInt8], count: Int, level: Int) throws -> Int {
    let size = 4 << 20
    return try data.withUnsafeBytes { bytes in
      try stride(from: 0, to: count, by: size).reduce(0) { total, start in
        let slice = UnsafeRawBufferPointer(rebasing: bytes[start..<min(start + size, count)])
        return total + (try FrameCodec.compress(slice, level: level)).count
      }
    }
  }

  /// The best of three: what else the machine does only ever makes it slower.
  private static func measure(_ body: () throws -> Void) rethrows -> Double {
    var best = Double.infinity
    let clock = ContinuousClock()
    let begin = clock.now
    for _ in 0..<3 where best == .infinity || begin.duration(to: clock.now) < .seconds(6) {
      let taken = try clock.measure(body).components
      best = min(best, Double(taken.seconds) + Double(taken.attoseconds) / 1e18)
    }
    return best
  }

  private static func row(
    _ name: String, bytes: Int, result: () -> String = { "" }, _ body: () throws -> Void
  ) throws {
    let seconds = try measure(body)
    print("  \(padded(name, 30))\(decimal(Double(bytes) / seconds / 1e6)) MB/s  \(result())")
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.utf8.count))
  }

  private static func percent(_ part: Int, _ whole: Int) -> String {
    "\(decimal(100 * Double(part) / Double(whole))) %"
  }

  private static func decimal(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    return "\(hundredths / 100).\(hundredths / 10 % 10)\(hundredths % 10)"
  }
}
