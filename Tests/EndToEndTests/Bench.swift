import Foundation
import TestSupport
import Testing

/// What every end-to-end test works with: the real program, the real sample manifest, the packages of its lock.
enum Bench {
  private static let given = ProcessInfo.processInfo.environment["NETIMG_BIN"] ?? ""
  static let isReady = findTool(given) != nil && given.contains("/")

  /// The program under test, and the initrd's first program beside it: copies where other users can reach them, since
  /// the work tree may be in somebody's home.
  static let program: String = {
    guard isReady else { return "" }
    let copies = "\(scratch)/program"
    try? FileManager.default.createDirectory(atPath: copies, withIntermediateDirectories: true)
    let source = URL(fileURLWithPath: given).resolvingSymlinksInPath()
    let files = [source.lastPathComponent, "netimg-init"]
      .map { source.deletingLastPathComponent().appendingPathComponent($0).path }
      .filter { FileManager.default.fileExists(atPath: $0) }
    // Not copied here: a child between fork and exec would hold the program open for writing ("text file busy").
    _ = try? run(["cp", "-p", "--"] + files + [copies])
    return "\(copies)/\(source.lastPathComponent)"
  }()
  static let isRoot = geteuid() == 0
  static let whyNot: Comment = "NETIMG_BIN does not name a built netimg: run make test"
  static let needsRoot: Comment = "this changes users, mounts or loop devices: run it as root"

  /// The work tree that these tests belong to.
  static let repository = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
    .deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path
  static let manifest = "manifests/minimal.yaml"

  /// The store that has the packages, once ``release()`` is there.
  static let store: String = {
    let environment = ProcessInfo.processInfo.environment
    let cache = environment["XDG_CACHE_HOME"] ?? "\(environment["HOME"] ?? "/root")/.cache"
    return environment["NETIMG_STORE"] ?? "\(cache)/netimg"
  }()

  /// Everything that the tests of one process make and share; removed when it ends.
  static let scratch: String = {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("netimg-e2e-\(getpid())").path
    try? FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    atexit { try? FileManager.default.removeItem(atPath: Bench.scratch) }
    return path
  }()

  private static let built = Task { () throws -> Release in
    let clone = try checkout("shared")
    let path = "\(scratch)/release"
    // The one build that may use the network: what the store lacks is fetched here.
    let result = try netimg(["build", manifest, "--output", path], in: clone)
    guard result.status == 0 else { throw BenchError("the shared build failed: \(result.errorText)") }
    return try Release(path)
  }

  /// A release of the sample manifest; the tests only read it.
  static func release() async throws -> Release { try await built.value }

  /// Runs the program under test to its end.
  static func netimg(
    _ arguments: [String], in directory: String = repository, environment: [String: String] = [:]
  ) throws -> SubprocessResult {
    try run([program] + arguments, environment: environment, directory: directory)
  }

  /// The repository's HEAD as it was at first, whatever somebody does in the work tree meanwhile.
  private static let origin = Result { () throws -> String in
    let path = "\(scratch)/origin"
    let result = try run(["git", "clone", "-q", "--bare", repository, path])
    guard result.status == 0 else { throw BenchError("git clone: \(result.errorText)") }
    return path
  }

  /// Whether the programs under test can be those of HEAD: nothing that decides them has changed since.
  static let isCommitted: Bool = {
    let paths = ["Sources", "tools", "Makefile", "Package.swift"]
    let result = try? run(["git", "diff", "--quiet", "HEAD", "--"] + paths, directory: repository)
    return result?.status == 0
  }()

  /// A clone of the repository, the same commit each time.
  static func checkout(_ name: String) throws -> String {
    let path = "\(scratch)/checkout-\(name)"
    let result = try run(["git", "clone", "-q", try origin.get(), path])
    guard result.status == 0 else { throw BenchError("git clone: \(result.errorText)") }
    return path
  }

  /// A store with its own copies of the packages.
  static func copyStore(to path: String) throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    let result = try run(["cp", "-a", "\(store)/blobs", "\(path)/"])
    guard result.status == 0 else { throw BenchError("cp: \(result.errorText)") }
  }

  /// SHA-256 of every file below a directory, as `sha256sum` has them, by relative path.
  static func digests(below directory: String) throws -> [String: String] {
    let result = try run(
      ["sh", "-c", "find . -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum"], directory: directory)
    var digests: [String: String] = [:]
    for line in result.text.split(separator: "\n") {
      digests[String(line.dropFirst(66))] = String(line.prefix(64))
    }
    return digests
  }
}

struct BenchError: Error, CustomStringConvertible {
  let description: String

  init(_ description: String) { self.description = description }
}

/// A release on disk, read with nothing of ours: just JSON.
struct Release: Sendable {
  let path: String
  let rootHash: String
  let dataSize: Int
  let pcr11: String
  let commandLine: String
  let kernel: String

  init(_ path: String) throws {
    struct File: Decodable {
      struct Root: Decodable {
        let hash: String
        let dataSize: Int
      }
      struct PCR: Decodable { let boot: String }
      struct Kernel: Decodable {
        let commandLine: String
        let release: String
      }
      let root: Root
      let pcr11: PCR
      let kernel: Kernel
    }
    let file = try JSONDecoder().decode(
      File.self, from: Data(contentsOf: URL(fileURLWithPath: "\(path)/release.json")))
    self.path = path
    rootHash = file.root.hash
    dataSize = file.root.dataSize
    pcr11 = file.pcr11.boot
    commandLine = file.kernel.commandLine
    kernel = file.kernel.release
  }

  func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(path)/\(name)")))
  }

  /// A directory of links to this release's files, for a copy that differs in few of them.
  func linked(at directory: String) throws -> String {
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    for name in try FileManager.default.contentsOfDirectory(atPath: path) {
      try FileManager.default.createSymbolicLink(
        atPath: "\(directory)/\(name)", withDestinationPath: "\(path)/\(name)")
    }
    return directory
  }
}
