import Foundation
import TestSupport
import Testing

/// The real program over packages that want to hurt it: one clear sentence, nothing written, little memory and time.
@Suite(
  "hostile packages", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: findTool("python3") != nil, "python3 is missing"))
struct HostilePackageTests {
  /// An attack, as the script below knows it, and what the sentence must say.
  static let attacks: [(name: String, words: String)] = [
    ("traversal", "“./../../etc/x” has an empty, “.” or “..” component"),
    ("traversal-long-name", "has an empty, “.” or “..” component"),
    ("below-a-link", "which is no directory"),
    ("hard-link-absolute", "is a hard link to an absolute path"),
    ("hard-link-dangling", "which is no file that came before it"),
    ("device", "a character device, which no package may hold"),
    ("fifo", "a FIFO, which no package may hold"),
    ("sparse", "a sparse file, which Debian packages do not have"),
    ("pax-path", "has PAX headers, which no Debian package may have"),
    ("pax-capability", "has PAX headers, which no Debian package may have"),
    ("huge-size", "is larger than 268435456 bytes"),
    ("missing-data", "the tar archive ends too soon"),
    ("duplicate-path", "has “usr/a” twice"),
    ("duplicate-member", "has the member data.tar twice"),
    ("not-utf8", "has a name that is not UTF-8"),
    ("xz-bomb", "when it is decompressed; it is refused"),
    ("gzip-bomb", "when it is decompressed; it is refused"),
    ("many-files", "has more than 200000 members"),
    ("many-directories", "directories without a member of their own"),
    ("truncated", "fetch"),
    ("not-a-package", "does not begin as an ar archive"),
  ]

  private struct Outcome: Decodable {
    let status: Int32
    let error: String
    let mebibytes: Int
    let files: [String]
  }

  @Test("is refused in one sentence, and nothing is left", arguments: attacks)
  func refused(attack: (name: String, words: String)) async throws {
    _ = try await Bench.release()
    let directory = "\(Bench.scratch)/hostile-\(attack.name)"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("Guest/hostile-package.py").path
    let clone = "\(directory)/checkout"
    try #require(
      try run(["git", "clone", "-q", "\(Bench.scratch)/checkout-shared", clone]).status == 0)
    let result = try run(["python3", script, attack.name, Bench.program, clone, Bench.store, directory])
    try #require(result.status == 0, "\(result.errorText)")
    let outcome = try JSONDecoder().decode(Outcome.self, from: Data(result.output))
    #expect(outcome.status == 65, "\(outcome.error)")
    #expect(outcome.error.contains(attack.words), "\(outcome.error)")
    #expect(outcome.error.contains("libzstd1"), "the package is named: \(outcome.error)")
    // The phase that it was in, and one sentence.
    #expect(outcome.error.split(separator: "\n").count == 2, "\(outcome.error)")
    #expect(outcome.files == [], "nothing is written")
    #expect(outcome.mebibytes < 512, "peak memory in MiB: \(outcome.mebibytes)")
  }
}
