internal import CPosixShim

/// Lines for whoever watches the machine start. They go to the kernel log, and so to every console, with its time
/// stamps and into the journal later; the kernel keeps ten lines in five seconds, so stage 0 is brief.
package struct Console: Sendable {
  private enum Level: Int {
    case error = 3
    case information = 6
  }

  package init() {}

  package func inform(_ text: String) { write(.information, text) }

  package func fail(_ text: String) { write(.error, text) }

  private func write(_ level: Level, _ text: String) {
    let line = Array("<\(level.rawValue)>netimg: \(text)\n".utf8)
    let file = netimg_open("/dev/kmsg", O_WRONLY, 0)
    guard file >= 0 else {
      // Without /dev there is still the descriptor that the kernel opened for PID 1.
      _ = line.dropFirst(3).withContiguousStorageIfAvailable { CPosixShim.write(2, $0.baseAddress, $0.count) }
      return
    }
    defer { close(file) }
    _ = line.withUnsafeBytes { CPosixShim.write(file, $0.baseAddress, $0.count) }
  }
}
