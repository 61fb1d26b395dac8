import Foundation
import NativeActions
import Testing

/// Runs a program of the host, and holds what it said: the independent judge of what the target computes.
struct HostProgram {
  let path: String

  /// `nil` where the host has no such program; a test then says so and is skipped.
  init?(_ name: String) {
    let directories = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"]
    guard
      let found = directories.map({ "\($0)/\(name)" }).first(where: {
        FileManager.default.isExecutableFile(atPath: $0)
      })
    else { return nil }
    path = found
  }

  /// A program by its path.
  init?(path: String) {
    guard FileManager.default.isExecutableFile(atPath: path) else { return nil }
    self.path = path
  }

  struct Output {
    let status: Int32
    let standardOutput: String
    let standardError: String
  }

  /// Runs it to its end in the C locale.
  func run(_ arguments: [String], environment: [String: String] = [:]) throws -> Output {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.environment = ["LC_ALL": "C", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"].merging(environment) { $1 }
    // Files instead of pipes: nothing can fill up and block.
    let scratch = FileManager.default.temporaryDirectory.appendingPathComponent(
      "netimg-run-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: scratch, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: scratch) }
    let files = ["out", "err"].map { scratch.appendingPathComponent($0) }
    for file in files { try Data().write(to: file) }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try FileHandle(forWritingTo: files[0])
    process.standardError = try FileHandle(forWritingTo: files[1])
    try process.run()
    process.waitUntilExit()
    return Output(
      status: process.terminationStatus,
      standardOutput: String(decoding: try Data(contentsOf: files[0]), as: UTF8.self),
      standardError: String(decoding: try Data(contentsOf: files[1]), as: UTF8.self))
  }

  /// Runs it and demands success.
  func succeed(_ arguments: [String], environment: [String: String] = [:]) throws -> String {
    let output = try run(arguments, environment: environment)
    try #require(
      output.status == 0, "\(path) \(arguments.joined(separator: " ")) failed: \(output.standardError)")
    return output.standardOutput
  }

  static func exists(_ name: String) -> Bool { HostProgram(name) != nil }
}

/// Reads a whole file.
func contents(_ path: String) throws -> [UInt8] {
  [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
}

/// Writes a file, and the directories above it.
func write(_ bytes: [UInt8], to path: String) throws {
  let url = URL(fileURLWithPath: path)
  try FileManager.default.createDirectory(
    at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
  try Data(bytes).write(to: url)
}

func write(_ text: String, to path: String) throws {
  try write([UInt8](text.utf8), to: path)
}

/// The code of the error that `body` throws.
func code(_ body: () throws -> Void) -> NativeActionError.Code? {
  do {
    try body()
    return nil
  } catch let error as NativeActionError {
    return error.code
  } catch {
    Issue.record("an error of another kind: \(error)")
    return nil
  }
}
