internal import CPosixShim
internal import Glibc

extension Passphrase {
  /// Asks on a terminal without showing what is typed; a new passphrase is asked for twice.
  ///
  /// Backspace, ^U, ^C and ^D work: keys arrive one by one and raise no signal, so the terminal is always put
  /// back. Throws `noPassphrase` without a terminal or for an empty line, `cancelled` after ^C or ^D,
  /// `wrongPassphrase` if the two differ.
  package static func prompt(
    _ question: String, terminal path: String = "/dev/tty", isNew: Bool = false
  ) throws -> SecretBytes {
    let terminal = Descriptor(netimg_open(path, O_RDWR | O_NOCTTY, 0))
    guard terminal.descriptor >= 0, isatty(terminal.descriptor) == 1 else {
      throw SigningError(
        .noPassphrase,
        "there is no terminal to ask for the passphrase; give it by --passphrase-file or in \(variable)")
    }
    let first = try ask(question, terminal.descriptor)
    guard isNew else { return first }
    guard first.isEqual(to: try ask("Again: ", terminal.descriptor)) else {
      throw SigningError(.wrongPassphrase, "the two passphrases differ; try again")
    }
    return first
  }

  private static func ask(_ question: String, _ terminal: Int32) throws -> SecretBytes {
    var saved = termios()
    guard tcgetattr(terminal, &saved) == 0 else {
      throw SigningError.system("ask on", "the terminal", errno: errno, advice: "use --passphrase-file")
    }
    var quiet = saved
    quiet.c_lflag &= ~tcflag_t(ECHO | ECHONL | ICANON | ISIG | IEXTEN)
    withUnsafeMutableBytes(of: &quiet.c_cc) { characters in
      characters[Int(VMIN)] = 1
      characters[Int(VTIME)] = 0
    }
    // TCSAFLUSH forgets what was typed before the question.
    tcsetattr(terminal, TCSAFLUSH, &quiet)
    defer { tcsetattr(terminal, TCSAFLUSH, &saved) }
    say(question, terminal)
    defer { say("\n", terminal) }

    var line = LineEditor()
    let buffer = try SecretBytes(count: maximumByteCount) { try line.read(from: terminal, into: $0) }
    guard line.count > 0 else { throw SigningError(.noPassphrase, "the passphrase is empty; type one") }
    return try buffer.withUnsafeBytes { bytes in
      try SecretBytes(copying: UnsafeRawBufferPointer(rebasing: bytes[..<line.count]))
    }
  }

  private static func say(_ text: String, _ terminal: Int32) {
    let bytes = Array(text.utf8)
    _ = write(terminal, bytes, bytes.count)
  }
}

/// The few editing keys that typing blind needs.
private struct LineEditor {
  private(set) var count = 0

  mutating func read(from terminal: Int32, into buffer: UnsafeMutableRawBufferPointer) throws {
    while true {
      var byte: UInt8 = 0
      let got = Glibc.read(terminal, &byte, 1)
      if got < 0 && errno == EINTR { continue }
      guard got == 1, byte != 3, byte != 4 else {
        throw SigningError(.cancelled, "no passphrase was given: cancelled at the prompt")
      }
      switch byte {
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
        return
      case 8, 0x7f:
        // The whole character goes, not just the last byte of its UTF-8.
        while count > 0 {
          count -= 1
          if buffer[count] & 0xc0 != 0x80 { break }
        }
      case 0x15:
        count = 0
      default:
        guard count < buffer.count else {
          throw SigningError(
            .malformed, "the passphrase is longer than \(buffer.count) bytes; choose a shorter one")
        }
        buffer[count] = byte
        count += 1
      }
    }
  }
}
