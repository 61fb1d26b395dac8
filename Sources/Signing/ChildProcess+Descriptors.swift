internal import CPosixShim
internal import Glibc

/// A file descriptor that closes itself.
struct Descriptor: ~Copyable {
  let descriptor: Int32
  init(_ descriptor: Int32) { self.descriptor = descriptor }
  deinit { if descriptor >= 0 { close(descriptor) } }
}

/// A pipe from a child: the child gets the writer, we read without waiting.
final class Pipe {
  private(set) var reader: Int32 = -1
  private(set) var writer: Int32 = -1

  /// Whether the other end may still send something.
  var isOpen: Bool { reader >= 0 }

  init() throws(SigningError) {
    var ends: [Int32] = [-1, -1]
    guard netimg_pipe(&ends) == 0 else {
      throw .system("make", "a pipe", errno: errno, advice: "raise the limit on open files")
    }
    // Above the standard descriptors, which the spawn replaces one by one.
    (reader, writer) = (Self.raised(ends[0]), Self.raised(ends[1]))
    _ = fcntl(reader, F_SETFL, O_NONBLOCK)
  }

  deinit {
    closeReader()
    closeWriter()
  }

  private static func raised(_ descriptor: Int32) -> Int32 {
    guard descriptor < 3 else { return descriptor }
    defer { close(descriptor) }
    return fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
  }

  func closeWriter() {
    if writer >= 0 { close(writer) }
    writer = -1
  }

  private func closeReader() {
    if reader >= 0 { close(reader) }
    reader = -1
  }

  /// Takes what is there; keeps no more than `limit` bytes in all, and closes at the end of the stream.
  func drain(into bytes: inout [UInt8], limit: Int) {
    var buffer = [UInt8](repeating: 0, count: 16 * 1024)
    while isOpen {
      let count = read(reader, &buffer, buffer.count)
      if count > 0 {
        bytes.append(contentsOf: buffer[..<min(count, limit - bytes.count)])
        // One buffer a turn once the limit is reached: the caller must get to look at the clock.
        if bytes.count >= limit { return }
      } else if count < 0 && errno == EINTR {
        continue
      } else {
        if count == 0 || errno != EAGAIN { closeReader() }
        return
      }
    }
  }
}

/// A child process: waited for once, killed if it is dropped alive.
struct RunningChild {
  private let process: pid_t
  /// What `waitpid` reported; `nil` while the child runs.
  private(set) var status: Int32?

  init(process: pid_t) { self.process = process }

  mutating func hasEnded() -> Bool {
    if status != nil { return true }
    var raw: Int32 = 0
    let result = waitpid(process, &raw, WNOHANG)
    // ECHILD: somebody ignores SIGCHLD, and the status is lost. That is no success.
    if result == process { status = raw } else if result < 0 && errno != EINTR { status = 0xff00 }
    return status != nil
  }

  /// Stops the child if it still runs, and reaps it.
  mutating func end() {
    guard !hasEnded() else { return }
    kill(process, SIGKILL)
    var raw: Int32 = 0
    while waitpid(process, &raw, 0) < 0 && errno == EINTR {}
    status = raw
  }

  /// How it ended, in words.
  var ending: String {
    guard let status else { return "is still running" }
    let signal = status & 0x7f
    return signal == 0 ? "failed with status \(status >> 8 & 0xff)" : "was killed by signal \(signal)"
  }
}
