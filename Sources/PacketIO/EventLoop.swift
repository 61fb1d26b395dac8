internal import CPacketShim
internal import Glibc
package import NetworkTypes
internal import Synchronization

/// Something that a loop runs. Everything of it happens on the loop's thread.
package protocol EventSource: AnyObject {
  /// A file that was added under that token is readable, or has failed.
  func ready(_ token: UInt32)
  /// Everything that was ready has been said, or the time that this returned before has come.
  /// - Returns: When to call again at the latest, in monotonic nanoseconds.
  func run(now: Moment) -> UInt64?
  /// How long at most the loop may keep the processor while it waits for a packet, in nanoseconds, where packets come that
  /// fast: see ``AdaptivePolling``. 0 to sleep at once, as most sources should.
  var longestPoll: UInt64 { get }
}

extension EventSource {
  package var longestPoll: UInt64 { 0 }
}

/// One thread, one epoll instance, and what it serves. It owns its sources: they are touched on its thread only.
package final class EventLoop: @unchecked Sendable {
  // `epoll`, `wakeup` and `timer` never change; `jobs` and `isStopped` are behind the lock; the rest is the thread's.
  private let epoll: Int32
  private let wakeup: Int32
  /// Wakes the thread up when something is due. It is set for what comes first and then left alone, even if that is put
  /// off meanwhile, as with every packet of a transfer: setting one takes longer than all else that a packet needs.
  private let timer: Int32
  private var timerIsSetFor: UInt64?
  private let shared = Mutex(Shared())
  private var sources: [any EventSource] = []
  private var polling = AdaptivePolling()
  private var thread: pthread_t?

  private struct Shared: Sendable {
    var jobs: [@Sendable () -> Void] = []
    var isStopped = false
  }

  package init() throws(PacketIOError) {
    epoll = netimg_epoll_open()
    guard epoll >= 0 else { throw PacketIOError("no epoll instance") }
    wakeup = netimg_wake_open()
    timer = netimg_timer_open()
    guard timer >= 0, netimg_epoll_add(epoll, timer, Self.timerToken) == 0 else {
      throw PacketIOError("no timer")
    }
    guard wakeup >= 0, netimg_epoll_add(epoll, wakeup, .max) == 0 else {
      throw PacketIOError("no event counter")
    }
  }

  deinit {
    close(epoll)
    if wakeup >= 0 { close(wakeup) }
    if timer >= 0 { close(timer) }
  }

  /// Both clocks.
  package static func now() -> Moment {
    Moment(monotonic: netimg_boottime(), wall: Int64(time(nil)))
  }

  /// Adds a source, before the loop runs.
  /// - Returns: Its number, for ``watch(_:source:token:)``.
  package func add(_ source: any EventSource) -> UInt32 {
    sources.append(source)
    return UInt32(sources.count - 1)
  }

  /// Watches a file for a source. On the loop's thread, or before it runs.
  package func watch(_ file: Int32, source: UInt32, token: UInt32) throws(PacketIOError) {
    guard netimg_epoll_add(epoll, file, UInt64(source) << 32 | UInt64(token)) == 0 else {
      throw PacketIOError("a socket cannot be watched")
    }
  }

  /// Forgets a file; closing it does that too.
  package func forget(_ file: Int32) {
    _ = netimg_epoll_remove(epoll, file)
  }

  /// Has something done on the loop's thread, soon. From any thread.
  package func perform(_ job: @escaping @Sendable () -> Void) {
    shared.withLock { $0.jobs.append(job) }
    netimg_wake(wakeup)
  }

  /// Starts the thread.
  package func start() throws(PacketIOError) {
    var thread = pthread_t()
    let code = pthread_create(
      &thread, nil,
      { argument in
        guard let argument else { return nil }
        Unmanaged<EventLoop>.fromOpaque(argument).takeRetainedValue().loop()
        return nil
      }, Unmanaged.passRetained(self).toOpaque())
    guard code == 0 else {
      throw PacketIOError(code: .system, "no thread: \(String(cString: strerror(code)))")
    }
    self.thread = thread
  }

  /// Ends the thread and waits for it. Jobs that were handed in before are done first.
  package func stop() {
    shared.withLock { $0.isStopped = true }
    netimg_wake(wakeup)
    if let thread { pthread_join(thread, nil) }
    thread = nil
    sources = []
  }

  private static let timerToken = UInt64.max - 1

  /// How long to wait for packets, in nanoseconds: not at all if something is due, else until the timer.
  private func patience(until deadline: UInt64?, now: UInt64) -> Int64 {
    guard let deadline else { return -1 }
    if deadline <= now { return 0 }
    if let time = timerIsSetFor, time <= deadline { return -1 }
    guard netimg_timer_set(timer, deadline) == 0 else { return Int64(clamping: deadline - now) }
    timerIsSetFor = deadline
    return -1
  }

  /// Waits for something to do: awake for as long as that has paid off lately, then asleep.
  private func wait(_ tokens: inout [UInt64], _ patience: Int64) -> Int {
    var count: Int32 = 0
    if patience != 0, polling.budget > 0 {
      count = netimg_epoll_poll(epoll, &tokens, Int32(tokens.count), polling.budget)
    }
    if count == 0 {
      let began = polling.limit > 0 && patience != 0 ? netimg_boottime() : 0
      count = netimg_epoll_wait(epoll, &tokens, Int32(tokens.count), patience)
      if began > 0 { polling.slept(netimg_boottime() - began) }
    }
    if count < 0 { fatalError("epoll_wait: errno \(netimg_packet_errno())") }
    return Int(count)
  }

  private func loop() {
    var tokens = [UInt64](repeating: 0, count: 256)
    var deadline: UInt64? = 0
    var looked: UInt64 = 0
    while true {
      let count = wait(&tokens, patience(until: deadline, now: looked))
      for token in tokens[..<count] {
        if token == .max {
          netimg_drain(wakeup)
          continue
        }
        if token == Self.timerToken {
          netimg_drain(timer)
          timerIsSetFor = nil
          continue
        }
        sources[Int(token >> 32)].ready(UInt32(truncatingIfNeeded: token))
      }
      let (jobs, isStopped) = shared.withLock { shared in
        defer { shared.jobs = [] }
        return (shared.jobs, shared.isStopped)
      }
      for job in jobs { job() }
      let now = Self.now()
      looked = now.monotonic
      deadline = nil
      var longestPoll: UInt64 = 0
      for source in sources {
        if let next = source.run(now: now) { deadline = min(deadline ?? .max, next) }
        longestPoll = max(longestPoll, source.longestPoll)
      }
      polling.limit = longestPoll
      if isStopped { return }
    }
  }
}
