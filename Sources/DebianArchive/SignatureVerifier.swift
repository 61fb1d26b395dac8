internal import Manifest
internal import FoundationEssentials

/// Verifies an archive's OpenPGP signatures with the host's `gpgv` or `sqv`: small programs made for just
/// this, which the host's own package manager trusts as well.
package struct SignatureVerifier: Sendable {
  /// Which program.
  package enum Tool: String, Sendable, CaseIterable {
    /// GnuPG's verifier.
    case gpgv
    /// Sequoia's verifier.
    case sqv
  }

  /// The program in use.
  package let tool: Tool
  private let program: String

  /// Takes the first of `tools` that is on the search path.
  /// - Throws: `noVerifier` if there is none.
  package init(
    environment: [String: String], tools: [Tool] = Tool.allCases
  ) throws(ArchiveError) {
    for tool in tools {
      if let program = Subprocess.find(tool.rawValue, environment: environment) {
        self.tool = tool
        self.program = program
        return
      }
    }
    throw ArchiveError(
      .noVerifier, "neither gpgv nor sqv is on the search path; install the package gpgv or sqv")
  }

  /// The text of a clear-signed file, if one of the keyring's keys has signed it: nothing that is not signed
  /// is returned. No signature may be bad, and one by an expired or revoked key does not count.
  /// - Parameter file: what messages call the file.
  /// - Throws: `untrusted`, or `noVerifier` if the keyring cannot be read.
  func verify(_ bytes: [UInt8], keyring: Keyring, file: String) async throws(ArchiveError) -> [UInt8] {
    let message = try ClearSigned(bytes, file: file)
    try await withToolDirectory { (directory) throws(ArchiveError) in
      let keys = directory + "/keyring"
      try write(try OpenPGPKeyring.binary(keyring), to: keys)
      try write(message.text, to: directory + "/text")
      try write(message.signature, to: directory + "/signature")
      try await check(directory: directory, keys: keys, file: file)
    }
    return message.text
  }

  private func check(directory: String, keys: String, file: String) async throws(ArchiveError) {
    let arguments: [String]
    switch tool {
    case .gpgv:
      arguments = [
        "--homedir", directory, "--status-fd", "1", "--weak-digest", "SHA1", "--weak-digest", "RIPEMD160",
        "--keyring", keys, directory + "/signature", directory + "/text",
      ]
    case .sqv:
      arguments = ["--keyring", keys, directory + "/signature", directory + "/text"]
    }
    let result = try await Subprocess.run(program, arguments, scratch: directory)
    let verdict: SignatureVerdict
    switch tool {
    case .gpgv: verdict = SignatureVerdict(gpgvStatus: String(decoding: result.output, as: UTF8.self))
    // sqv prints the fingerprint of each good signature's key, and fails if there are too few.
    case .sqv:
      let prints = result.output.split(separator: UInt8(ascii: "\n")).filter { $0.count >= 40 }
      verdict = result.status == 0 && !prints.isEmpty ? .good : .unknownKey([])
    }
    if let reason = verdict.refusal {
      throw ArchiveError(
        .untrusted,
        "\(file): \(reason); check the mirror, and that the suite's keyring holds the archive's key")
    }
  }

  private func write(_ bytes: [UInt8], to path: String) throws(ArchiveError) {
    do {
      try Data(bytes).write(to: URL(fileURLWithPath: path))
    } catch {
      throw ArchiveError(
        .localStorage, "cannot write \(path): \(error); set TMPDIR to a disk with free space")
    }
  }
}
