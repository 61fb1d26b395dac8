internal import Glibc
package import Logging
internal import Synchronization

/// Writes log messages to standard error: a line for people, or one JSON object a line (RFC 8259).
package struct LogWriter: LogHandler {
  package enum Format: Sendable {
    case text, json
  }

  package var metadata: Logger.Metadata = [:]
  package var logLevel: Logger.Level = .info
  private let label: String
  private let format: Format
  private let output: @Sendable (String) -> Void

  /// - Parameter output: Takes whole lines, each with its line feed; standard error by default.
  package init(
    label: String, format: Format, level: Logger.Level,
    output: @escaping @Sendable (String) -> Void = Self.toStandardError
  ) {
    self.label = label
    self.format = format
    self.output = output
    logLevel = level
  }

  package subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  package func log(event: LogEvent) {
    // Sorted: the same message is the same bytes.
    let fields = metadata.merging(event.metadata ?? [:]) { _, new in new }.sorted { $0.key < $1.key }
    let time = Self.timestamp()
    switch format {
    case .text:
      let rest = fields.map { " \($0.key)=\(Self.quote("\($0.value)"))" }.joined()
      output("\(time) \(event.level.rawValue) \(label): \(Self.oneLine("\(event.message)"))\(rest)\n")
    case .json:
      var text = "{\"time\":\"\(time)\",\"level\":\"\(event.level.rawValue)\",\"logger\":\(Self.json(label))"
      text += ",\"message\":\(Self.json("\(event.message)"))"
      for field in fields { text += ",\(Self.json(field.key)):\(Self.json("\(field.value)"))" }
      output(text + "}\n")
    }
  }

  package static let toStandardError: @Sendable (String) -> Void = { text in
    var bytes = Array(text.utf8)[...]
    while !bytes.isEmpty {
      let count = bytes.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { return }
      bytes = bytes.dropFirst(count)
    }
  }

  /// UTC with milliseconds (RFC 3339).
  private static func timestamp() -> String {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var parts = tm()
    gmtime_r(&now.tv_sec, &parts)
    func pad(_ number: Int, _ width: Int) -> String {
      let digits = String(number)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    let date = [(Int(parts.tm_year) + 1900, 4), (Int(parts.tm_mon) + 1, 2), (Int(parts.tm_mday), 2)]
    let clock = [(Int(parts.tm_hour), 2), (Int(parts.tm_min), 2), (Int(parts.tm_sec), 2)]
    return date.map { pad($0, $1) }.joined(separator: "-") + "T"
      + clock.map { pad($0, $1) }.joined(separator: ":")
      + ".\(pad(now.tv_nsec / 1_000_000, 3))Z"
  }

  /// What a device says of itself must not make a second line, or speak to a terminal.
  private static func oneLine(_ text: String) -> String {
    guard text.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) }) else {
      return text
    }
    return String(
      String.UnicodeScalarView(
        text.unicodeScalars.map { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) ? "\u{FFFD}" : $0 }))
  }

  private static func quote(_ text: String) -> String {
    let line = oneLine(text)
    return line.isEmpty || line.contains(where: { $0 == " " || $0 == "\"" || $0 == "=" })
      ? "\"\(line.replacing("\\", with: "\\\\").replacing("\"", with: "\\\""))\"" : line
  }

  private static func json(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      default:
        if scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value) {
          let digits = String(scalar.value, radix: 16)
          result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        } else {
          result.unicodeScalars.append(scalar)
        }
      }
    }
    return result + "\""
  }
}
