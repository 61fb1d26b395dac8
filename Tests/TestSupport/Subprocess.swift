import FoundationEssentials
import Glibc

/// What a finished subprocess left behind.
package struct SubprocessResult: Sendable {
  /// The exit status; 128 plus the signal's number if a signal ended it, as a shell counts.
  package let status: Int32
  /// Everything it wrote to standard output.
  package let output: [UInt8]
  /// Everything it wrote to standard error.
  package let errors: [UInt8]

  /// Standard output as text.
  package var text: String { String(decoding: output, as: UTF8.self) }
  /// Standard error as text.
  package var errorText: String { String(decoding: errors, as: UTF8.self) }
}

/// A subprocess that could not be started, or a scratch file that could not be made for it.
package struct SubprocessError: Error, CustomStringConvertible {
  package let description: String
}

/// Where administrators' tools live, beside PATH: an ordinary user's PATH often leaves them out.
private let administratorDirectories = ["/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"]

/// The path of an installed program, or `nil`: the condition for tests that need a foreign tool.
package func findTool(_ name: String) -> String? {
  if name.contains("/") { return access(name, X_OK) == 0 ? name : nil }
  let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
  for directory in path.split(separator: ":").map(String.init) + administratorDirectories {
    let candidate = directory + "/" + name
    if access(candidate, X_OK) == 0 { return candidate }
  }
  return nil
}

/// Runs a program to its end, in the C locale and UTC, and collects what it wrote.
///
/// Standard streams are unnamed files, so that no amount of output can block the child.
/// - Parameters:
///   - arguments: The program (looked up as by ``findTool(_:)``) and its arguments.
///   - input: Its standard input.
///   - environment: Variables to add or replace.
///   - directory: Its working directory; the test's own by default.
/// - Throws: ``SubprocessError`` if it cannot be started; a failing exit status is not an error.
package func run(
  _ arguments: [String], input: [UInt8] = [], environment: [String: String] = [:], directory: String? = nil
) throws -> SubprocessResult {
  let standardInput = try UnnamedFile(input)
  let standardOutput = try UnnamedFile([])
  let standardError = try UnnamedFile([])
  let child = try spawn(
    arguments, input: standardInput.file, output: standardOutput.file, errors: standardError.file,
    environment: environment, directory: directory)
  var status: Int32 = 0
  while waitpid(child, &status, 0) < 0 {
    guard errno == EINTR else { throw SubprocessError(description: "\(arguments[0]) cannot be waited for") }
  }
  return SubprocessResult(
    status: exitStatus(status),
    output: try standardOutput.contents(), errors: try standardError.contents())
}

/// What `waitpid` tells, as a shell counts: 128 plus the signal's number if a signal ended it.
package func exitStatus(_ status: Int32) -> Int32 {
  let signal = status & 0x7f
  return signal == 0 ? (status >> 8) & 0xff : 128 + signal
}

/// Starts a program as ``run(_:input:environment:directory:)`` does, which the caller has to wait for.
/// - Parameters:
///   - input: A file descriptor for its standard input, and so on.
/// - Returns: Its process id.
package func spawn(
  _ arguments: [String], input: Int32, output: Int32, errors: Int32, environment: [String: String] = [:],
  directory: String? = nil
) throws -> Int32 {
  guard let name = arguments.first, var program = findTool(name) else {
    throw SubprocessError(description: "\(arguments.first ?? "no program") is not installed")
  }
  var arguments = arguments
  if let directory, let env = findTool("env") {
    // Glibc's overlay has no posix_spawn_file_actions_addchdir_np.
    arguments = ["env", "-C", directory, program] + arguments.dropFirst()
    program = env
  }
  var actions = posix_spawn_file_actions_t()
  posix_spawn_file_actions_init(&actions)
  defer { posix_spawn_file_actions_destroy(&actions) }
  posix_spawn_file_actions_adddup2(&actions, input, 0)
  posix_spawn_file_actions_adddup2(&actions, output, 1)
  posix_spawn_file_actions_adddup2(&actions, errors, 2)

  // A thread of a test may block every signal, and a child that inherits that cannot be stopped.
  var attributes = posix_spawnattr_t()
  posix_spawnattr_init(&attributes)
  defer { posix_spawnattr_destroy(&attributes) }
  var signals = sigset_t()
  sigemptyset(&signals)
  posix_spawnattr_setsigmask(&attributes, &signals)
  posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

  var variables = ProcessInfo.processInfo.environment
  variables.merge(["LC_ALL": "C.UTF-8", "TZ": "UTC"]) { _, new in new }
  variables.merge(environment) { _, new in new }
  return try withCStrings(arguments) { argv in
    try withCStrings(variables.map { "\($0.key)=\($0.value)" }.sorted()) { envp in
      var child: pid_t = 0
      let code = posix_spawn(&child, program, &actions, &attributes, argv, envp)
      guard code == 0 else {
        throw SubprocessError(description: "\(program) does not start: \(String(cString: strerror(code)))")
      }
      return child
    }
  }
}

private func withCStrings<Result>(
  _ strings: [String], _ body: ([UnsafeMutablePointer<CChar>?]) throws -> Result
) rethrows -> Result {
  let pointers = strings.map { strdup($0) }
  defer { for pointer in pointers { free(pointer) } }
  return try body(pointers + [nil])
}

/// A file that has no name any more, and disappears with its last descriptor.
private final class UnnamedFile {
  let file: Int32

  init(_ contents: [UInt8]) throws {
    guard let stream = tmpfile() else {
      throw SubprocessError(description: "no temporary file can be made: errno \(errno)")
    }
    defer { fclose(stream) }
    file = fcntl(fileno(stream), F_DUPFD_CLOEXEC, 3)
    guard file >= 0, fwrite(contents, 1, contents.count, stream) == contents.count, fflush(stream) == 0 else {
      throw SubprocessError(description: "standard input cannot be stored: errno \(errno)")
    }
    lseek(file, 0, SEEK_SET)
  }

  func contents() throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: max(0, Int(lseek(file, 0, SEEK_END))))
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeMutableBytes {
        pread(file, $0.baseAddress?.advanced(by: done), $0.count - done, off_t(done))
      }
      guard count > 0 else { throw SubprocessError(description: "output cannot be read: errno \(errno)") }
      done += count
    }
    return bytes
  }

  deinit { if file >= 0 { close(file) } }
}
