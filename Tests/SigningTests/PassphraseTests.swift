import Foundation
import Glibc
import Signing
import TestSupport
import Testing

@Suite struct PassphraseTests {
  func text(_ secret: SecretBytes) -> String {
    secret.withUnsafeBytes { String(decoding: $0, as: UTF8.self) }
  }

  @Test func theFileComesBeforeTheEnvironment() async throws {
    try await withScratchDirectory { directory in
      let file = directory.appending(path: "pass").path
      try Data("from file\n".utf8).write(to: URL(filePath: file))
      let environment = ["NETIMG_KEY_PASSPHRASE": "from environment"]
      var sources = Passphrase.Sources(file: file, environment: environment, terminal: nil)
      #expect(text(try Passphrase.find(sources, forKey: "k")) == "from file")
      sources.file = nil
      #expect(text(try Passphrase.find(sources, forKey: "k")) == "from environment")
      sources.environment = ["NETIMG_KEY_PASSPHRASE": ""]
      #expect(signingError { _ = try Passphrase.find(sources, forKey: "k") }?.code == .noPassphrase)
      sources.environment = [:]
      let error = try #require(signingError { _ = try Passphrase.find(sources, forKey: "k") })
      #expect(error.code == .noPassphrase)
      #expect(error.description.contains("--passphrase-file"))
    }
  }

  @Test(arguments: [
    ("x", "x"), ("x\n", "x"), (" spaces count \n", " spaces count "), ("ü\r\n", "ü\r"),
    (String(repeating: "p", count: 4096) + "\n", String(repeating: "p", count: 4096)),
  ])
  func aFileIsOneLine(content: String, expected: String) async throws {
    try await withScratchDirectory { directory in
      let file = directory.appending(path: "pass").path
      try Data(content.utf8).write(to: URL(filePath: file))
      #expect(text(try Passphrase.read(file: file)) == expected)
    }
  }

  @Test(arguments: [
    ("", SigningError.Code.noPassphrase), ("\n", .noPassphrase), ("a\nb\n", .malformed),
    ("a\n\n", .malformed),
    (String(repeating: "p", count: 4097), .malformed), (String(repeating: "p", count: 100_000), .malformed),
  ])
  func otherFilesAreRefused(content: String, code: SigningError.Code) async throws {
    try await withScratchDirectory { directory in
      let file = directory.appending(path: "pass").path
      try Data(content.utf8).write(to: URL(filePath: file))
      #expect(signingError { _ = try Passphrase.read(file: file) }?.code == code)
      #expect(signingError { _ = try Passphrase.read(file: "\(file).not") }?.code == .notFound)
    }
  }

  @Test func aDescriptorIsReadToItsEnd() throws {
    var ends: [Int32] = [-1, -1]
    #expect(pipe(&ends) == 0)
    defer { close(ends[0]) }
    _ = write(ends[1], "through a pipe\n", 15)
    close(ends[1])
    #expect(text(try Passphrase.read(descriptor: ends[0], source: "a pipe")) == "through a pipe")
  }

  @Test func withoutATerminalItSaysWhatToUseInstead() {
    for path in ["/dev/null", "/nonexistent"] {
      let error = signingError { _ = try Passphrase.prompt("? ", terminal: path) }
      #expect(error?.code == .noPassphrase)
    }
  }

  @Test(arguments: [
    ("simple\n", "simple"), ("abc\u{7f}\u{7f}x\r", "ax"), ("wrong\u{15}right\n", "right"),
    ("zü\u{8}e\n", "ze"),
    ("\u{7f}a b\n", "a b"),
  ])
  func typingIsEditedAndNotShown(typed: String, expected: String) async throws {
    let terminal = try PseudoTerminal()
    let result = try await terminal.type([("Key? ", typed)]) { try Passphrase.prompt("Key? ", terminal: $0) }
    #expect(text(try result.get()) == expected)
    #expect(terminal.shown == "Key? \r\n")
    #expect(terminal.echoes)
  }

  @Test func aNewOneIsAskedForTwice() async throws {
    let same = try PseudoTerminal()
    let result = try await same.type([("New? ", "twice\n"), ("Again: ", "twice\n")]) {
      try Passphrase.prompt("New? ", terminal: $0, isNew: true)
    }
    #expect(text(try result.get()) == "twice")
    let other = try PseudoTerminal()
    let failed = try await other.type([("New? ", "one\n"), ("Again: ", "two\n")]) {
      try Passphrase.prompt("New? ", terminal: $0, isNew: true)
    }
    #expect(signingError { _ = try failed.get() }?.code == .wrongPassphrase)
  }

  @Test(arguments: [("abc\u{3}", SigningError.Code.cancelled), ("\u{4}", .cancelled), ("\n", .noPassphrase)])
  func breakingOffPutsTheTerminalBack(typed: String, code: SigningError.Code) async throws {
    let terminal = try PseudoTerminal()
    let result = try await terminal.type([("Key? ", typed)]) { try Passphrase.prompt("Key? ", terminal: $0) }
    #expect(signingError { _ = try result.get() }?.code == code)
    #expect(terminal.echoes)
  }
}

/// A terminal with a test at its keyboard.
final class PseudoTerminal {
  private let master: Int32
  // Held open so that the master does not see a hang-up between the prompt's end and its last words.
  private let slave: Int32
  private let path: String
  /// What the screen showed.
  private(set) var shown = ""

  init() throws {
    var (master, slave): (Int32, Int32) = (-1, -1)
    var name = [CChar](repeating: 0, count: 128)
    guard openpty(&master, &slave, &name, nil, nil) == 0 else { throw BadFixture() }
    self.master = master
    self.slave = slave
    path = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  deinit {
    close(slave)
    close(master)
  }

  /// Runs the body on a thread of its own, and types each answer once its question is on the screen.
  func type(
    _ dialogue: [(question: String, answer: String)],
    _ body: @escaping @Sendable (String) throws -> SecretBytes
  ) async throws -> Result<SecretBytes, any Error> {
    let path = path
    // A thread, not a task: with every core's task in this function, no task would be left to answer.
    let (stream, outcome) = AsyncStream.makeStream(of: Result<SecretBytes, any Error>.self)
    Thread { outcome.yield(Result { try body(path) }) }.start()
    for (question, answer) in dialogue {
      while !shown.hasSuffix(question) { readScreen() }
      _ = write(master, answer, answer.utf8.count)
    }
    var results = stream.makeAsyncIterator()
    guard let result = await results.next() else { throw BadFixture() }
    var poller = pollfd(fd: master, events: Int16(POLLIN), revents: 0)
    while poll(&poller, 1, 0) > 0 { readScreen() }
    return result
  }

  private func readScreen() {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(master, &buffer, buffer.count)
    if count > 0 { shown += String(decoding: buffer[..<count], as: UTF8.self) }
  }

  /// Whether the terminal shows what is typed: as it was before.
  var echoes: Bool {
    var state = termios()
    return tcgetattr(master, &state) == 0 && state.c_lflag & tcflag_t(ECHO) != 0
      && state.c_lflag & tcflag_t(ICANON) != 0
  }
}
