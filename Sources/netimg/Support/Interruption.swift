internal import Dispatch
internal import FoundationEssentials
internal import Glibc
internal import Synchronization

/// Ctrl-C and SIGTERM: what is half-written goes away, and the process ends as shells expect (128 + signal).
enum Interruption {
  private static let paths = Mutex<Set<String>>([])

  /// Starts to listen. Call it once, first of all.
  static func watch() {
    // No queue of a higher priority: libdispatch cannot raise it for an ordinary user, and tells syslog so.
    let queue = DispatchQueue(label: "netimg.interruption")
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler {
        paths.withLock { paths in
          for path in paths { try? FileManager.default.removeItem(atPath: path) }
        }
        _exit(128 + number)
      }
      source.resume()
      // Kept for as long as the process lives.
      _ = Unmanaged.passRetained(source as AnyObject)
    }
    // A reader that closes its end (netimg … | head) is no reason for a signal; the write fails instead.
    signal(SIGPIPE, SIG_IGN)
  }

  /// Names a directory that an interruption must remove, until `forget`.
  static func remember(_ path: String) { paths.withLock { _ = $0.insert(path) } }

  static func forget(_ path: String) { paths.withLock { _ = $0.remove(path) } }
}
