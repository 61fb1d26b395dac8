internal import CPosixShim
internal import Glibc

/// Where a passphrase comes from: a file, the environment, or a person at the terminal.
package enum Passphrase {
  /// The longest that is accepted, in bytes.
  package static let maximumByteCount = 4096
  /// The environment variable that may hold one.
  package static let variable = "NETIMG_KEY_PASSPHRASE"

  /// What a command needs to find a passphrase.
  package struct Sources: Sendable {
    /// The argument of `--passphrase-file`, if given: a path, or `/dev/fd/N`.
    package var file: String?
    package var environment: [String: String]
    /// The terminal to ask on; `nil` to ask nobody.
    package var terminal: String?

    package init(file: String? = nil, environment: [String: String], terminal: String? = "/dev/tty") {
      self.file = file
      self.environment = environment
      self.terminal = terminal
    }
  }

  /// The passphrase for `key`: from the file, else the environment, else the terminal (twice if `isNew`).
  /// Throws `noPassphrase` if there is none anywhere, or it is empty.
  package static func find(
    _ sources: Sources, forKey key: String, isNew: Bool = false
  ) throws -> SecretBytes {
    if let file = sources.file { return try read(file: file) }
    if let text = sources.environment[variable] {
      guard !text.isEmpty else {
        throw SigningError(.noPassphrase, "\(variable) is empty; put the passphrase into it, or unset it")
      }
      return try SecretBytes(utf8: text)
    }
    if let terminal = sources.terminal {
      return try prompt("Passphrase for key '\(key)': ", terminal: terminal, isNew: isNew)
    }
    throw SigningError(
      .noPassphrase,
      "the key '\(key)' needs a passphrase; give it by --passphrase-file or in \(variable)")
  }

  /// The first and only line of a file, without its newline. Throws `noPassphrase` if it is empty.
  package static func read(file path: String) throws -> SecretBytes {
    let file = Descriptor(netimg_open(path, O_RDONLY, 0))
    guard file.descriptor >= 0 else {
      throw SigningError.system("read", path, errno: errno, advice: "check the path of the passphrase file")
    }
    return try read(descriptor: file.descriptor, source: path)
  }

  /// The same from an open descriptor, read to its end and left open.
  package static func read(descriptor: Int32, source: String) throws -> SecretBytes {
    var count = 0
    let buffer = try SecretBytes(count: maximumByteCount + 2) { buffer in
      while count < buffer.count {
        let got = Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count)
        if got < 0 && errno == EINTR { continue }
        guard got >= 0 else {
          throw SigningError.system("read", source, errno: errno, advice: "check the passphrase file")
        }
        if got == 0 { break }
        count += got
      }
    }
    return try buffer.withUnsafeBytes { bytes in
      var line = bytes[..<count]
      if line.last == UInt8(ascii: "\n") { line.removeLast() }
      guard !line.isEmpty else {
        throw SigningError(.noPassphrase, "\(source) is empty; put the passphrase into it")
      }
      guard line.count <= maximumByteCount, !line.contains(UInt8(ascii: "\n")) else {
        throw SigningError(
          .malformed, "\(source) must hold one line of at most \(maximumByteCount) bytes: the passphrase")
      }
      return try SecretBytes(copying: UnsafeRawBufferPointer(rebasing: line))
    }
  }
}
