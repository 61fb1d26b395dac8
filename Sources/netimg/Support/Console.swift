internal import FoundationEssentials
internal import Glibc
internal import Synchronization

/// Where people and machines read: results on standard output, progress and errors on standard error.
enum Console {
  /// Whether progress may redraw its line: a terminal, and not a dumb one or CI.
  static let isInteractive: Bool = {
    let environment = ProcessInfo.processInfo.environment
    return isatty(2) == 1 && environment["TERM"] != "dumb" && environment["CI"] == nil
  }()

  static func out(_ text: String) { write(text + "\n", to: 1) }

  static func error(_ text: String) { write(text + "\n", to: 2) }

  static func write(_ text: String, to descriptor: Int32) {
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return }  // Nobody reads any more; there is nobody to tell.
      bytes = bytes.dropFirst(count)
    }
  }
}

extension Console {
  /// One JSON object with sorted keys on standard output.
  static func json(_ value: some Encodable) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    if let data = try? encoder.encode(value) { out(String(decoding: data, as: UTF8.self)) }
  }
}

extension Duration {
  var inSeconds: Double { Double(components.seconds) + Double(components.attoseconds) / 1e18 }
}
