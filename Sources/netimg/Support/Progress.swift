internal import Glibc
internal import Synchronization

/// Progress of one command: a bar with a rate that redraws itself on a terminal, a line for each phase elsewhere.
final class Progress: Sendable {
  private struct State {
    var phase = ""
    var started = ContinuousClock.now
    var drawn = ContinuousClock.now - .seconds(1)
    var isLineOpen = false
  }

  private let isSilent: Bool
  private let state = Mutex(State())

  init(isSilent: Bool) {
    self.isSilent = isSilent
  }

  /// Begins a phase, such as "Fetching packages".
  func begin(_ phase: String) {
    guard !isSilent else { return }
    state.withLock { state in
      close(&state)
      state.phase = phase
      state.started = .now
      state.drawn = .now - .seconds(1)
      if Console.isInteractive {
        Console.write("\r\u{1b}[2K\(phase)…", to: 2)
        state.isLineOpen = true
      } else {
        Console.error(phase)
      }
    }
  }

  /// Moves the bar. `done` and `total` count bytes if `isBytes`, else items.
  func update(done: Int, total: Int, isBytes: Bool) {
    guard !isSilent, Console.isInteractive, total > 0 else { return }
    state.withLock { state in
      guard ContinuousClock.now - state.drawn > .milliseconds(80) || done == total else { return }
      state.drawn = .now
      let width = 24
      let filled = min(width, width * done / total)
      let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: width - filled)
      let seconds = max(
        0.001,
        Double((ContinuousClock.now - state.started).components.attoseconds) / 1e18
          + Double((ContinuousClock.now - state.started).components.seconds))
      let amount =
        isBytes
        ? "\(Quantity.bytes(done)) of \(Quantity.bytes(total)), \(Quantity.bytes(Int(Double(done) / seconds)))/s"
        : "\(done) of \(total)"
      Console.write("\r\u{1b}[2K\(state.phase) \(bar) \(amount)", to: 2)
      state.isLineOpen = true
    }
  }

  /// Ends the last phase and clears its line.
  func end() {
    guard !isSilent else { return }
    state.withLock { close(&$0) }
  }

  private func close(_ state: inout State) {
    guard state.isLineOpen else { return }
    Console.write("\r\u{1b}[2K", to: 2)
    state.isLineOpen = false
  }
}

/// Numbers as people read them.
enum Quantity {
  /// `999 B`, `1.5 KiB`, `61.2 MiB`.
  static func bytes(_ count: Int) -> String {
    var value = Double(count)
    for unit in ["B", "KiB", "MiB"] {
      if value < 1024 { return unit == "B" ? "\(count) B" : "\(oneDecimal(value)) \(unit)" }
      value /= 1024
    }
    return "\(oneDecimal(value)) GiB"
  }

  static func seconds(_ duration: Duration) -> String {
    let (seconds, attoseconds) = duration.components
    return "\(oneDecimal(Double(seconds) + Double(attoseconds) / 1e18)) s"
  }

  private static func oneDecimal(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return "\(tenths / 10).\(tenths % 10)"
  }
}
