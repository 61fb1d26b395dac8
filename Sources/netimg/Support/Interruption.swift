internal import FoundationEssentials
internal import Glibc
internal import Synchronization

/// Ctrl-C and SIGTERM: what is half-written goes away, and the process ends as shells expect (128 + signal).
enum Interruption {
  private static let signals = [SIGINT, SIGTERM, SIGHUP]
  private static let paths = Mutex<Set<String>>([])
  private static let handler = Mutex<(@Sendable (Int32) -> Bool)?>(nil)
  private static let underWay = Atomic<Bool>(false)

  /// Keeps the signals for `wait`. Call it once, before there is any other thread: each inherits that they are blocked.
  static func block() {
    // A reader that closes its end (netimg … | head) is no reason for a signal; the write fails instead.
    signal(SIGPIPE, SIG_IGN)
    var set = Self.set
    pthread_sigmask(SIG_BLOCK, &set, nil)
  }

  /// Waits for a signal, on a thread that has nothing else to do, and ends the process with it.
  ///
  /// libdispatch's signal sources would do, but their manager thread wants a priority that an ordinary user may not
  /// have, and opens a socket to syslog to complain.
  static func wait() -> Never {
    var set = Self.set
    var number: Int32 = 0
    repeat {
      while sigwait(&set, &number) != 0 {}
    } while handler.withLock({ $0?(number) ?? false })
    underWay.store(true, ordering: .releasing)
    paths.withLock { paths in
      for path in paths {
        // Out of the writer's way first: it must neither add to what is being removed, nor put it in its place.
        let doomed = "\(path).interrupted"
        if rename(path, doomed) == 0 { try? FileManager.default.removeItem(atPath: doomed) }
      }
    }
    _exit(128 + number)
  }

  /// Has signals go to `handler` first, on the waiting thread; those that it answers with true end nothing.
  static func handle(_ handler: @escaping @Sendable (Int32) -> Bool) {
    self.handler.withLock { $0 = handler }
  }

  /// Names a directory that an interruption must remove, until `forget`.
  static func remember(_ path: String) { paths.withLock { _ = $0.insert(path) } }

  static func forget(_ path: String) { paths.withLock { _ = $0.remove(path) } }

  /// Waits for the end if an interruption is on its way: what fails because of it is no news.
  static func yield() {
    while underWay.load(ordering: .acquiring) { pause() }
  }

  private static var set: sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for number in signals { sigaddset(&set, number) }
    return set
  }
}
