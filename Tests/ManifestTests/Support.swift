import Foundation
import Manifest
import TestSupport

/// A repository on disk with these files; a value that begins with `-> ` makes a symbolic link.
@discardableResult
func withRepository<Result>(
  _ files: [String: String], _ body: (WorkTree) throws -> Result
) async throws -> Result {
  try await withScratchDirectory { root in
    let manager = FileManager.default
    try manager.createDirectory(at: root.appending(path: "images"), withIntermediateDirectories: true)
    for (path, text) in files {
      let url = root.appending(path: path)
      try manager.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
      if text.hasPrefix("-> ") {
        try manager.createSymbolicLink(atPath: url.path, withDestinationPath: String(text.dropFirst(3)))
      } else {
        try Data(text.utf8).write(to: url)
      }
    }
    return try body(WorkTree(root: root.path))
  }
}

/// What is wrong with these files, one line for each problem; empty if nothing is.
func problems(_ files: [String: String], manifest: String = "manifests/a.yaml") async throws -> [String] {
  try await withRepository(files) { tree throws in
    do {
      _ = try ManifestLoader(tree: tree).load(manifestPath: manifest)
      return []
    } catch let error as ManifestError {
      return error.problems.map(\.description)
    }
  }
}

/// The codes of what `body` throws; empty if it throws nothing, or something else.
func codes<Result>(_ body: () throws -> Result) -> [ManifestError.Code] {
  do {
    _ = try body()
    return []
  } catch {
    return (error as? ManifestError)?.codes ?? []
  }
}

/// A tree of which one file was replaced.
struct OverlayTree: SourceTree {
  let base: WorkTree
  let path: String
  let bytes: [UInt8]

  func file(at path: String) throws -> SourceFile? {
    path == self.path ? SourceFile(bytes: bytes) : try base.file(at: path)
  }

  func list(_ directory: String) throws -> [SourceEntry] { try base.list(directory) }
}

/// An image manifest with no more than it needs, in eight lines; `more` follows from line 9 on.
func image(_ more: String = "", components: String = "[]") -> String {
  """
  apiVersion: netimg/v1
  kind: Image
  name: a
  architecture: amd64
  suite: {name: trixie, keyring: /k.gpg}
  components: \(components)
  kernel:
    package: linux-image-amd64
  \(more)
  """
}

/// A component manifest with no more than it needs, in three lines; `more` follows from line 4 on.
func component(_ name: String, _ more: String = "") -> String {
  """
  apiVersion: netimg/v1
  kind: Component
  name: \(name)
  \(more)
  """
}

/// A generator whose numbers are the same in every run (SplitMix64).
struct FixedRandom: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}

/// Runs Python on `script` with `input`, and returns what it prints.
func runPython(_ script: String, input: [UInt8]) throws -> String {
  let process = Process()
  process.executableURL = URL(filePath: "/usr/bin/env")
  process.arguments = ["python3", "-W", "ignore", "-c", script]
  let (stdin, stdout) = (Pipe(), Pipe())
  process.standardInput = stdin
  process.standardOutput = stdout
  try process.run()
  try stdin.fileHandleForWriting.write(contentsOf: Data(input))
  try stdin.fileHandleForWriting.close()
  let output = try stdout.fileHandleForReading.readToEnd() ?? Data()
  process.waitUntilExit()
  return String(decoding: output, as: UTF8.self)
}

/// Whether Python can import these modules. Without them, the comparisons with foreign tools are left out.
func pythonHas(_ modules: String) -> Bool {
  (try? runPython("import \(modules); print('yes')", input: []))?.hasPrefix("yes") ?? false
}
