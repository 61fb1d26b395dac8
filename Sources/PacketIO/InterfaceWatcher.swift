internal import CPacketShim
internal import Glibc
package import NetworkTypes

/// Says when the host's interfaces or their addresses change. A source of an ``EventLoop``.
package final class InterfaceWatcher: EventSource {
  private let file: Int32
  private let changed: ([NetworkInterface]) -> Void
  private var known: [NetworkInterface]
  private var isStale = false

  /// - Parameters:
  ///   - known: What its owner knows already.
  ///   - changed: Called on the loop's thread, with every interface there is.
  package init(
    loop: EventLoop, known: [NetworkInterface], changed: @escaping ([NetworkInterface]) -> Void
  ) throws(PacketIOError) {
    file = netimg_watch_interfaces()
    guard file >= 0 else { throw PacketIOError("changes of interfaces cannot be watched") }
    self.known = known
    self.changed = changed
    try loop.watch(file, source: loop.add(self), token: 0)
    // What changed between the owner's look and the watch.
    isStale = true
  }

  deinit { close(file) }

  package func ready(_ token: UInt32) {
    netimg_drain(file)
    isStale = true
  }

  package func run(now: Moment) -> UInt64? {
    guard isStale else { return nil }
    isStale = false
    guard let interfaces = try? Interfaces.current() else {
      isStale = true
      return now.monotonic + 1_000_000_000
    }
    if interfaces != known {
      known = interfaces
      changed(interfaces)
    }
    return nil
  }
}
