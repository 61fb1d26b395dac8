internal import NetworkTypes

/// One transfer's state (RFC 1350; RFC 7440 for windows). Blocks are counted from 1 without end, and cut to 16 bits on
/// the wire only.
///
/// No storm, whatever comes: only an acknowledgement of something new is answered with data. A stale or repeated one is
/// answered with nothing, and what was lost right behind it is sent again when the timer runs out. A gap in a window
/// costs everything behind it (clients throw it away), so that after a loss a window is sent in smaller pieces with a
/// round trip between them: the gap's acknowledgement then comes back before much has been sent in vain.
struct TFTPSession: Sendable {
  let id: TFTPSessionID
  let interface: UInt32
  let request: [UInt8]
  let file: any VirtualFile
  let blockSize: Int
  let windowSize: UInt64
  /// The last block, which is shorter than the others, or empty.
  let lastBlock: UInt64
  var transfer: TFTPTransfer

  /// The option acknowledgement, until the client has answered it.
  var optionAcknowledge: [UInt8]?
  /// Every block up to this one is the client's.
  var acknowledged: UInt64 = 0
  /// The next block to send.
  var next: UInt64 = 1
  /// The last block that was ever sent.
  var highest: UInt64 = 0
  /// How many blocks are sent at a time.
  var pace: UInt64
  /// Blocks sent more than once.
  var repeated: UInt64 = 0

  /// What the timer is for.
  enum Timer: Sendable {
    /// The client has to answer.
    case answer
    /// The next piece of the window is due.
    case piece
  }

  var timer = Timer.answer
  /// When the timer runs out, in monotonic nanoseconds.
  var deadline: UInt64 = 0
  /// The earliest time that the server's queue has for this session; `nil` if it is not in the queue.
  var queued: UInt64?
  /// When something new was acknowledged.
  var progressed: UInt64
  /// Times that the timer ran out since then.
  var timeouts = 0

  private var roundTrip: UInt64 = 0
  private var variation: UInt64 = 0
  private var timeout: UInt64
  private let longestTimeout: UInt64
  /// What the next measure of the round trip waits for, and since when; nothing that was sent twice is measured.
  private var measured: (block: UInt64, since: UInt64)?

  static let shortestTimeout: UInt64 = 25_000_000
  static let firstTimeout: UInt64 = 1_000_000_000

  init(
    id: TFTPSessionID, interface: UInt32, request: [UInt8], file: any VirtualFile, transfer: TFTPTransfer,
    optionAcknowledge: [UInt8]?, timeoutSeconds: Int?, now: UInt64
  ) {
    self.id = id
    self.interface = interface
    self.request = request
    self.file = file
    self.transfer = transfer
    self.optionAcknowledge = optionAcknowledge
    blockSize = transfer.blockSize
    windowSize = UInt64(transfer.windowSize)
    lastBlock = UInt64(transfer.size / transfer.blockSize) + 1
    pace = windowSize
    progressed = now
    timeout = Self.firstTimeout
    longestTimeout = UInt64(timeoutSeconds ?? 8) * 1_000_000_000
    wait(now: now)
  }

  /// The last block that may be sent before the next acknowledgement.
  var windowEnd: UInt64 { min(acknowledged + windowSize, lastBlock) }
  var isComplete: Bool { acknowledged == lastBlock }
  /// Whether nothing has been heard since the request.
  private(set) var isUnheard = true

  /// Bytes of data in those blocks.
  func byteCount(first: UInt64, count: UInt64) -> Int {
    min(transfer.size, Int(first - 1 + count) * blockSize) - min(transfer.size, Int(first - 1) * blockSize)
  }

  /// What an acknowledgement is worth.
  enum Answer {
    /// Nothing new: it is not answered.
    case stale
    /// Data may be sent.
    case proceed
    /// The client has everything.
    case complete
  }

  /// Takes an acknowledgement of that block.
  mutating func acknowledge(_ wire: UInt16, now: UInt64) -> Answer {
    if optionAcknowledge != nil {
      guard wire == 0 else { return .stale }
      optionAcknowledge = nil
      if timeouts == 0 { measure(now - progressed) }
      progress(now)
      return .proceed
    }
    let ahead = UInt64(wire &- UInt16(truncatingIfNeeded: acknowledged))
    guard ahead != 0, acknowledged + ahead <= highest else { return .stale }
    acknowledged += ahead
    transfer.acknowledged = min(transfer.size, Int(acknowledged) * blockSize)
    if let measured, acknowledged >= measured.block {
      measure(now - measured.since)
      self.measured = nil
    }
    progress(now)
    if isComplete { return .complete }
    if acknowledged < highest {
      // What is behind the gap is lost with it.
      pace = max(1, pace / 2)
      next = acknowledged + 1
      transfer.retries += 1
      measured = nil
      guard hasBudget else {
        wait(now: now)
        return .stale
      }
    } else {
      pace = min(windowSize, pace + max(1, windowSize / 8))
      next = acknowledged + 1
    }
    return .proceed
  }

  /// Whether repetitions are still few: half of what has arrived, and a little for the beginning. Beyond that only the
  /// timer repeats anything.
  private var hasBudget: Bool {
    repeated <= acknowledged / 2 + min(windowSize, max(1, lastBlock / 4))
  }

  private mutating func progress(_ now: UInt64) {
    progressed = now
    timeouts = 0
    isUnheard = false
    // Where much is lost, a round trip can seldom be measured: what the client answers shortens a backed-off wait too.
    timeout = max(estimate, timeout / 2)
  }

  /// The next piece to send now. The deadline is then that of the next piece, or of the client's answer.
  mutating func send(now: UInt64) -> (first: UInt64, count: UInt64) {
    let first = next
    let end = windowEnd
    let count = min(max(pace, 1), end - first + 1)
    transfer.sent += byteCount(first: first, count: count)
    if first <= highest {
      repeated += min(highest, first + count - 1) - first + 1
      measured = nil
    } else {
      measured = (first + count - 1, now)
    }
    next = first + count
    highest = max(highest, next - 1)
    // A client that has been silent for long may be gone: no more than one block for each time the timer runs out.
    if next <= end, timeouts <= 2 {
      timer = .piece
      deadline = now + max(roundTrip, 100_000)
    } else {
      wait(now: now)
    }
    return (first, count)
  }

  /// The answer did not come: makes ready to send again from the first block that is missing.
  mutating func expire(now: UInt64) {
    timeouts += 1
    transfer.retries += 1
    timeout = min(timeout * 2, longestTimeout)
    measured = nil
    next = acknowledged + 1
    pace = timeouts > 2 ? 1 : max(1, pace / 2)
  }

  /// Waits for the client's answer.
  mutating func wait(now: UInt64) {
    timer = .answer
    deadline = now + timeout
  }

  /// RFC 6298, with a floor for what a busy firmware needs.
  private mutating func measure(_ sample: UInt64) {
    if roundTrip == 0 {
      roundTrip = max(sample, 1)
      variation = sample / 2
    } else {
      let difference = sample > roundTrip ? sample - roundTrip : roundTrip - sample
      variation = (3 * variation + difference) / 4
      roundTrip = max((7 * roundTrip + sample) / 8, 1)
    }
    timeout = estimate
  }

  /// How long an answer may take, by what was measured.
  private var estimate: UInt64 {
    guard roundTrip > 0 else { return min(Self.firstTimeout, longestTimeout) }
    return min(max(roundTrip + max(4 * variation, 10_000_000), Self.shortestTimeout), longestTimeout)
  }
}

/// A session of a server. Ids are not used again soon.
package struct TFTPSessionID: Hashable, Sendable {
  /// The session's place, less than the limit of transfers.
  package let slot: UInt32
  let generation: UInt32
}
