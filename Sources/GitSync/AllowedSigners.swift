internal import Signing

/// Who may sign commits: the file that `ssh-keygen -Y verify` and git's `gpg.ssh.allowedSignersFile` take (ssh-keygen(1),
/// ALLOWED SIGNERS). Ed25519 keys count; certificates, other kinds of keys and entries with a time limit are left out.
package struct AllowedSigners: Sendable {
  static let maximumSize = 1 << 20

  /// Who has a key, by its 32 bytes.
  private let names: [[UInt8]: String]

  /// - Throws: `malformed` with the line that is wrong, or if nobody is left who may sign.
  package init(_ bytes: [UInt8], file: String) throws(GitSyncError) {
    guard bytes.count <= Self.maximumSize else {
      throw GitSyncError(.malformed, "\(file) is too long for a list of keys")
    }
    var names: [[UInt8]: String] = [:]
    let lines = String(decoding: bytes, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false)
    for (number, line) in lines.enumerated() {
      let words = Self.words(line)
      guard let name = words.first, !name.hasPrefix("#") else { continue }
      guard
        let kind = words.firstIndex(where: {
          $0.hasPrefix("ssh-") || $0.hasPrefix("ecdsa-") || $0.hasPrefix("sk-")
        }),
        kind >= 1, kind <= 2, kind + 1 < words.count
      else {
        throw GitSyncError(
          .malformed, "\(file):\(number + 1): write NAME ssh-ed25519 KEY, as ssh-keygen -Y takes it")
      }
      let options = kind == 2 ? words[1].split(separator: ",").map { $0.lowercased() } : []
      let isForGit = options.allSatisfy { option in
        option.hasPrefix("namespaces=")
          && option.dropFirst(11).split(whereSeparator: { $0 == "\"" }).joined() == SSHSignature.namespace
      }
      guard isForGit, words[kind] == "ssh-ed25519" else { continue }
      guard let blob = Base64.decode(words[kind + 1]), let key = SSHSignature.ed25519(blob, count: 32) else {
        throw GitSyncError(.malformed, "\(file):\(number + 1): the key is damaged; copy it once more")
      }
      names[key] = names[key] ?? name
    }
    guard !names.isEmpty else {
      throw GitSyncError(
        .malformed, "\(file) names nobody who may sign: add a line NAME ssh-ed25519 KEY")
    }
    self.names = names
  }

  /// Words between blanks; a quoted option may hold some.
  private static func words(_ line: Substring) -> [String] {
    var words: [String] = []
    var word = ""
    var isQuoted = false
    for character in line {
      if character == "\"" { isQuoted.toggle() }
      if !isQuoted, character == " " || character == "\t" || character == "\r" {
        if !word.isEmpty { words.append(word) }
        word = ""
      } else {
        word.append(character)
      }
    }
    if !word.isEmpty { words.append(word) }
    return words
  }

  /// Who has signed; `nil` if nobody who may.
  func signer(of message: [UInt8], signature: String) throws(GitSyncError) -> String? {
    let signature = try SSHSignature(armored: signature)
    guard let key = signature.publicKey, let name = names[key], signature.isValid(for: message) else {
      return nil
    }
    return name
  }
}
