internal import CPosixShim
internal import FoundationEssentials
internal import Glibc

/// Runs one of the host's tools: no shell, a clean environment, a time limit, bounded output.
struct Subprocess {
  /// What the tool left behind.
  struct Result {
    /// The exit status, or 128 and the signal's number.
    let status: Int32
    let output: [UInt8]
    let errors: [UInt8]
  }

  /// The path of an executable file on the search path, or `nil`.
  static func find(_ name: String, environment: [String: String]) -> String? {
    let directories = (environment["PATH"] ?? "/usr/bin:/bin").split(separator: ":")
    for directory in directories where directory.hasPrefix("/") {
      let path = "\(directory)/\(name)"
      if access(path, X_OK) == 0 { return path }
    }
    return nil
  }

  /// Runs a program to its end.
  /// - Parameters:
  ///   - scratch: a directory for its output; the caller removes it.
  ///   - seconds: how long it may take before it is killed.
  ///   - limit: the most bytes of output and of errors that are read.
  /// - Throws: `localStorage` if it cannot be started or does not end in time, `cancelled`.
  static func run(
    _ program: String, _ arguments: [String], scratch: String, seconds: Int = 60, limit: Int = 1 << 20
  ) async throws(ArchiveError) -> Result {
    let output = scratch + "/output"
    let errors = scratch + "/errors"
    let process = try spawn(program, arguments, output: output, errors: errors)
    let status = try await wait(process, program: program, seconds: seconds)
    return Result(status: status, output: head(output, limit), errors: head(errors, limit))
  }

  private static func spawn(
    _ program: String, _ arguments: [String], output: String, errors: String
  ) throws(ArchiveError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    for (descriptor, path) in [(Int32(1), output), (2, errors)] {
      posix_spawn_file_actions_addopen(&actions, descriptor, path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    }
    // A blocked signal stays blocked in a child, which could then not be interrupted.
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var words: [UnsafeMutablePointer<CChar>?] = ([program] + arguments).map { strdup($0) } + [nil]
    // Messages are parsed: they must not depend on the user's language.
    var environment: [UnsafeMutablePointer<CChar>?] = [strdup("LC_ALL=C"), strdup("PATH=/usr/bin:/bin"), nil]
    defer { for pointer in words + environment { free(pointer) } }
    var process: pid_t = 0
    let failure = posix_spawn(&process, program, &actions, &attributes, &words, &environment)
    guard failure == 0 else {
      throw ArchiveError(
        .localStorage,
        "cannot start \(program): \(String(cString: strerror(failure))); check that it is installed")
    }
    return process
  }

  private static func wait(
    _ process: pid_t, program: String, seconds: Int
  ) async throws(ArchiveError) -> Int32 {
    let deadline = ContinuousClock.now + .seconds(seconds)
    var status: Int32 = 0
    while true {
      let waited = waitpid(process, &status, WNOHANG)
      if waited == process { break }
      if waited < 0, errno != EINTR { break }
      let isCancelled = (try? await Task.sleep(for: .milliseconds(3))) == nil
      guard isCancelled || ContinuousClock.now > deadline else { continue }
      kill(process, SIGKILL)
      waitpid(process, &status, 0)
      if isCancelled { throw Fetcher.cancelled }
      throw ArchiveError(.localStorage, "\(program) did not end within \(seconds) seconds; try again")
    }
    let signal = status & 0x7f
    return signal == 0 ? status >> 8 & 0xff : 128 + signal
  }

  private static func head(_ path: String, _ limit: Int) -> [UInt8] {
    let file = netimg_open(path, O_RDONLY, 0)
    guard file >= 0 else { return [] }
    defer { close(file) }
    return [UInt8](unsafeUninitializedCapacity: limit) { buffer, count in
      while count < limit {
        let got = read(file, buffer.baseAddress.map { $0 + count }, limit - count)
        guard got > 0 else { break }
        count += got
      }
    }
  }
}

/// A private directory for a tool's files, removed when the closure ends.
func withToolDirectory<Value>(
  _ body: (String) async throws(ArchiveError) -> Value
) async throws(ArchiveError) -> Value {
  let pattern = FileManager.default.temporaryDirectory.path + "/netimg-XXXXXX"
  var template = Array(pattern.utf8CString)
  guard template.withUnsafeMutableBufferPointer({ $0.baseAddress.flatMap { mkdtemp($0) } }) != nil else {
    throw ArchiveError(
      .localStorage,
      "cannot make a directory below \(FileManager.default.temporaryDirectory.path): "
        + "\(String(cString: strerror(errno))); set TMPDIR to a directory with free space")
  }
  let path = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
  defer { try? FileManager.default.removeItem(atPath: path) }
  return try await body(path)
}
