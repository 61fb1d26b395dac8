internal import CPosixShim
internal import Glibc

/// One run of an external program: bytes in, bounded bytes out, a time limit. All errors are `SigningError`.
struct ChildProcess {
  let program: String
  let arguments: [String]
  /// Seconds.
  let timeout: Int
  /// Bytes of standard output that are taken; more is an error.
  var outputLimit = 64 * 1024

  private var command: String { ([program] + arguments).joined(separator: " ") }

  /// Standard output of a run that ended with status 0.
  func run(input: [UInt8]) throws -> [UInt8] {
    let input = try inputFile(input)
    let output = try Pipe()
    let errors = try Pipe()
    let process = try spawn(input: input.descriptor, output: output.writer, errors: errors.writer)
    output.closeWriter()
    errors.closeWriter()
    var child = RunningChild(process: process)
    defer { child.end() }

    let deadline = Self.now + Int64(timeout) * 1000
    var collected: [UInt8] = []
    var complaint: [UInt8] = []
    while output.isOpen || errors.isOpen {
      // A grandchild may hold the pipes for ever: what counts is that the child is gone and nothing is left.
      let hasEnded = child.hasEnded()
      let hasData = Self.wait(output, errors, milliseconds: hasEnded ? 0 : 50)
      output.drain(into: &collected, limit: outputLimit + 1)
      errors.drain(into: &complaint, limit: 8 * 1024)
      guard collected.count <= outputLimit else {
        throw SigningError(.signer, "\(command) printed more than \(outputLimit) bytes and was stopped")
      }
      if hasEnded, !hasData { break }
      try checkTime(deadline)
    }
    while !child.hasEnded() {
      try checkTime(deadline)
      usleep(5000)
    }
    guard child.status == 0 else {
      throw SigningError(.signer, "\(command) \(child.ending)\(Self.lastLine(complaint))")
    }
    return collected
  }

  private func checkTime(_ deadline: Int64) throws(SigningError) {
    guard Self.now < deadline else {
      throw SigningError(
        .timeout,
        "\(command) did not answer within \(timeout) seconds and was stopped; is the token plugged in?")
    }
  }

  /// The message as a seekable file: tools such as openssl ask for its length first, and nobody gets SIGPIPE.
  private func inputFile(_ bytes: [UInt8]) throws(SigningError) -> Descriptor {
    let file = Descriptor(netimg_memfd("netimg-message"))
    var done = 0
    while file.descriptor >= 0, done < bytes.count {
      let count = bytes.withUnsafeBytes {
        pwrite(file.descriptor, $0.baseAddress?.advanced(by: done), bytes.count - done, done)
      }
      if count < 0 && errno != EINTR { break }
      done += max(0, count)
    }
    guard file.descriptor >= 0, done == bytes.count else {
      throw .system("run", program, errno: errno, advice: "the message does not fit into memory")
    }
    return file
  }

  private func spawn(input: Int32, output: Int32, errors: Int32) throws(SigningError) -> pid_t {
    var actions = posix_spawn_file_actions_t()
    var attributes = posix_spawnattr_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawnattr_init(&attributes)
    defer {
      posix_spawn_file_actions_destroy(&actions)
      posix_spawnattr_destroy(&attributes)
    }
    for (target, source) in [input, output, errors].enumerated() {
      posix_spawn_file_actions_adddup2(&actions, source, Int32(target))
    }
    // Descriptors that a library opened without O_CLOEXEC are not the program's business.
    netimg_spawn_close_from(&actions, 3)
    // The child starts with no signal blocked or ignored. It stays in our process group, so that it can ask
    // for a PIN on the terminal.
    var none = sigset_t()
    var all = sigset_t()
    sigemptyset(&none)
    sigfillset(&all)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setsigdefault(&attributes, &all)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF))
    let words = ([program] + arguments).map { strdup($0) }
    defer { words.forEach { free($0) } }
    var process: pid_t = 0
    let failure = posix_spawnp(
      &process, program, &actions, &attributes, words + [nil], Self.environment + [nil])
    guard failure == 0 else {
      throw .system(
        "run", program, errno: failure, advice: "check the signer's path and that it is executable")
    }
    return process
  }

  /// Ours, without the passphrase of our own keys.
  private static var environment: [UnsafeMutablePointer<CChar>?] {
    var variables: [UnsafeMutablePointer<CChar>?] = []
    let secret = "\(Passphrase.variable)="
    var next = environ
    while let variable = next.pointee {
      if strncmp(variable, secret, secret.utf8.count) != 0 { variables.append(variable) }
      next += 1
    }
    return variables
  }

  /// Whether there is something to read, or an end to be seen.
  private static func wait(_ one: borrowing Pipe, _ two: borrowing Pipe, milliseconds: Int32) -> Bool {
    var polls = [
      pollfd(fd: one.isOpen ? one.reader : -1, events: Int16(POLLIN), revents: 0),
      pollfd(fd: two.isOpen ? two.reader : -1, events: Int16(POLLIN), revents: 0),
    ]
    return poll(&polls, 2, milliseconds) > 0
  }

  /// Milliseconds of a clock that nobody sets.
  private static var now: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
  }

  /// `: "…"` with the last line that the program wrote for people, made safe for a terminal.
  private static func lastLine(_ bytes: [UInt8]) -> String {
    let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
    guard let last = lines.last else { return "" }
    let safe = last.unicodeScalars.prefix(300).map {
      $0.properties.generalCategory == .control ? "?" : String($0)
    }
    return ": " + safe.joined()
  }
}
