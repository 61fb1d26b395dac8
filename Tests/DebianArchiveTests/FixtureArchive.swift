import TestSupport
import BlobStore
import Bytes
import FoundationEssentials
import Manifest
import Synchronization

@testable import DebianArchive

/// A Debian archive in memory: packages made by dpkg-deb, indexes and a Release file made here, signed by
/// gpg.
struct FixtureArchive: Sendable {
  /// A package to build.
  struct Source: Sendable {
    var name: String
    var version = "1"
    /// Further lines of its control file.
    var fields: [String] = []
    /// Its maintainer scripts and triggers, by file name.
    var control: [String: String] = [:]
  }

  static var isAvailable: Bool { FixtureKey.isAvailable && Tool.exists("dpkg-deb") && Tool.exists("xz") }

  let directory: URL
  let key: FixtureKey
  /// Everything that the server has, by path below the archive's base.
  var files: [String: [UInt8]] = [:]
  /// The fields of the Release file above its digests.
  var release: [(String, String)] = [
    ("Origin", "Test"), ("Suite", "stable"), ("Codename", "trixie"), ("Version", "13.1"),
    ("Date", "Sat, 21 Nov 2026 09:15:44 UTC"), ("Acquire-By-Hash", "yes"),
    ("No-Support-for-Architecture-all", "Packages"), ("Architectures", "all amd64"), ("Components", "main"),
  ]
  /// The clock of the tests: soon after the Release was made.
  static let now = ReleaseDate(timestamp: "2026-11-23T12:00:00Z")

  init(in directory: URL) throws {
    self.directory = directory
    key = try FixtureKey(in: directory)
  }

  /// Builds packages, lists them in the index, and signs.
  mutating func publish(_ sources: [Source], suite: String = "trixie") throws {
    var paragraphs: [String] = []
    for source in sources {
      let (path, bytes) = try build(source)
      files[path] = bytes
      let digest = SHA256.digest(of: bytes).hex
      paragraphs.append(
        Self.control(source) + "Filename: \(path)\nSize: \(bytes.count)\nSHA256: \(digest)\n")
    }
    try publish(index: Array(paragraphs.joined(separator: "\n").utf8), suite: suite)
  }

  /// Publishes a Packages file as it is, and signs.
  mutating func publish(index: [UInt8], suite: String = "trixie") throws {
    let plain = directory.appendingPathComponent("Packages")
    try Data(index).write(to: plain)
    try Tool.run("xz", ["--keep", "--force", plain.path], in: directory)
    let compressed = [UInt8](try Data(contentsOf: URL(fileURLWithPath: plain.path + ".xz")))
    try publish(compressed: compressed, plain: index, suite: suite)
  }

  /// Publishes a Packages.xz as it is, with the given plain size and digest, and signs.
  mutating func publish(compressed: [UInt8], plain: [UInt8], suite: String = "trixie") throws {
    let name = "main/binary-amd64/Packages"
    files["dists/\(suite)/\(name).xz"] = compressed
    files["dists/\(suite)/main/binary-amd64/by-hash/SHA256/\(SHA256.digest(of: compressed).hex)"] = compressed
    try sign(
      suite: suite,
      digests: [
        " \(SHA256.digest(of: plain).hex) \(plain.count) \(name)",
        " \(SHA256.digest(of: compressed).hex) \(compressed.count) \(name).xz",
      ])
  }

  mutating func sign(suite: String = "trixie", digests: [String]) throws {
    let fields = release.map { "\($0.0): \($0.1)\n" }.joined()
    let text = fields + "SHA256:\n" + digests.joined(separator: "\n") + "\n"
    files["dists/\(suite)/InRelease"] = try key.clearSign(text)
  }

  mutating func set(_ field: String, _ value: String?) {
    release.removeAll { $0.0 == field }
    if let value { release.append((field, value)) }
  }

  private static func control(_ source: Source) -> String {
    let architecture = source.fields.contains { $0.hasPrefix("Architecture:") } ? [] : ["Architecture: amd64"]
    let lines =
      ["Package: \(source.name)", "Version: \(source.version)", "Maintainer: Test <test@test>"] + architecture
      + source.fields + ["Description: a package for tests"]
    return lines.joined(separator: "\n") + "\n"
  }

  private func build(_ source: Source) throws -> (path: String, bytes: [UInt8]) {
    let root = directory.appendingPathComponent("build-\(source.name)-\(source.version)")
    let control = root.appendingPathComponent("DEBIAN")
    try FileManager.default.createDirectory(at: control, withIntermediateDirectories: true)
    try Data(Self.control(source).utf8).write(to: control.appendingPathComponent("control"))
    for (name, text) in source.control {
      let file = control.appendingPathComponent(name)
      try Data(text.utf8).write(to: file)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
    }
    let package = root.path + ".deb"
    try Tool.run(
      "dpkg-deb", ["--root-owner-group", "-Zxz", "--build", root.path, package], in: directory,
      environment: ["SOURCE_DATE_EPOCH": "1"])
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: package)))
    return ("pool/main/\(source.name)_\(source.version)_amd64.deb", bytes)
  }

  /// A server's answer from `files`, under `/debian/`.
  func reply(_ request: LoopbackServer.Request) -> LoopbackServer.Reply {
    files[String(request.path.dropFirst("/debian/".count))].map { .file($0) } ?? .status(404)
  }
}

/// What locking against fixture servers needs.
struct FixtureClient {
  let fetcher: Fetcher
  let loader: IndexLoader

  init(
    _ servers: [LoopbackServer], store: BlobStore, now: ReleaseDate? = FixtureArchive.now,
    tools: [SignatureVerifier.Tool] = [.gpgv]
  ) throws {
    let mirrors = try servers.map { try MirrorConfiguration.parse("\($0.address)/debian", origin: "test") }
    var policy = FetchPolicy()
    policy.backOffMilliseconds = 1
    policy.rounds = 2
    policy.stallTimeout = 1
    fetcher = try Fetcher(mirrors: MirrorConfiguration(sources: [mirrors]), store: store, policy: policy)
    let clock = now ?? ReleaseDate(seconds: 0)
    loader = IndexLoader(
      fetcher: fetcher, verifier: try SignatureVerifier(environment: ["PATH": "/usr/bin:/bin"], tools: tools),
      now: { clock })
  }
}

extension Manifest.Suite {
  /// The fixture's suite.
  static func fixture(_ keyring: Keyring, suite: String = "trixie") -> Manifest.Suite {
    Manifest.Suite(
      name: suite, keyring: keyring,
      sources: [SuiteSource(archive: "debian", suite: suite, sections: ["main"])])
  }
}
