import Foundation

/// Runs the foreign tools that our readers are compared with.
enum Tool {
  struct Result {
    let status: Int32
    let output: [UInt8]
    var text: String { String(decoding: output, as: UTF8.self) }
  }

  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// The tool's path, or `nil` if this machine lacks it.
  static func path(_ name: String) -> String? {
    for directory in ["/usr/bin", "/bin", "/usr/sbin", "/sbin"] {
      let candidate = "\(directory)/\(name)"
      if FileManager.default.isExecutableFile(atPath: candidate) { return candidate }
    }
    return nil
  }

  static func exists(_ names: String...) -> Bool {
    names.allSatisfy { path($0) != nil }
  }

  /// Runs a tool to its end; standard error is dropped.
  static func run(
    _ name: String, _ arguments: [String], input: [UInt8]? = nil, in directory: URL? = nil,
    environment: [String: String] = [:]
  ) throws -> Result {
    guard let path = path(name) else { throw Failure(description: "this machine lacks \(name)") }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: path)
    process.arguments = arguments
    process.currentDirectoryURL = directory
    var merged = ProcessInfo.processInfo.environment
    merged["LC_ALL"] = "C"
    merged.merge(environment) { $1 }
    process.environment = merged
    let output = Pipe()
    process.standardOutput = output
    process.standardError = FileHandle.nullDevice
    // Input comes from a file: writing a pipe and reading another from one thread can wait for ever.
    var inputFile: URL?
    if let input {
      let file = FileManager.default.temporaryDirectory.appendingPathComponent(
        "netimg-in-\(UUID().uuidString)")
      try Data(input).write(to: file)
      inputFile = file
      process.standardInput = try FileHandle(forReadingFrom: file)
    } else {
      process.standardInput = FileHandle.nullDevice
    }
    defer { if let inputFile { try? FileManager.default.removeItem(at: inputFile) } }
    try process.run()
    let data = try output.fileHandleForReading.readToEnd() ?? Data()
    process.waitUntilExit()
    return Result(status: process.terminationStatus, output: [UInt8](data))
  }

  /// Runs a tool that must succeed.
  @discardableResult
  static func must(
    _ name: String, _ arguments: [String], input: [UInt8]? = nil, in directory: URL? = nil
  ) throws -> [UInt8] {
    let result = try run(name, arguments, input: input, in: directory)
    guard result.status == 0 else {
      throw Failure(description: "\(name) \(arguments) failed with \(result.status)")
    }
    return result.output
  }
}
