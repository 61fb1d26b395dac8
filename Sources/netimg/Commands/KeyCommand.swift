internal import ArgumentParser
internal import Signing

/// `netimg key`
struct KeyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key", abstract: "Make, show and list signing keys (Ed25519).",
    subcommands: [KeyNewCommand.self, KeyShowCommand.self, KeyListCommand.self])
}

/// `netimg key new`
struct KeyNewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new", abstract: "Make a key: NAME.key, encrypted, and NAME.pub.",
    discussion: """
      Examples:
        netimg key new build
        netimg key new ci --passphrase-file /run/secrets/passphrase
        netimg key new test --no-passphrase
      """)

  @Argument(help: "The key's name.")
  var name: String

  @Flag(help: "Do not encrypt the secret half: for CI systems that keep the file itself as a secret.")
  var noPassphrase = false

  @OptionGroup var signing: SigningOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if signing.signer != nil { throw ValidationError("--signer has no meaning here.") }
    if noPassphrase, signing.passphraseFile != nil {
      throw ValidationError("--no-passphrase and --passphrase-file exclude each other.")
    }
  }

  func run() throws {
    let pair = try KeyPair.generate(name: name)
    let protection: SecretKeyFile.Protection =
      noPassphrase ? .none : .passphrase(try signing.passphrase(for: name, isNew: true))
    let entry = try signing.ring.open().add(pair, protection: protection)
    KeyRow.render([entry], json: common.json)
  }
}

/// `netimg key show`
struct KeyShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Print a key's public half.",
    discussion: """
      Examples:
        netimg key show build            the line that --key takes as a file
        netimg key show build --pem      for openssl and others (RFC 8410)
      """)

  @Argument(help: "A key's name, the beginning of its identifier, or a .pub file.")
  var key: String

  @Flag(help: "As PEM.")
  var pem = false

  @OptionGroup var ring: KeyRingOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    let key = try ring.publicKey(key)
    if common.json { return Console.json([KeyRow(key, hasSecret: false)]) }
    Console.out(pem ? String(key.pem.reversed().drop { $0.isNewline }.reversed()) : key.line)
  }
}

/// `netimg key list`
struct KeyListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List the keys.")

  @OptionGroup var ring: KeyRingOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    KeyRow.render(try ring.open().list(), json: common.json)
  }
}

/// A key as it is printed.
private struct KeyRow: Encodable {
  let name: String
  let id: String
  let publicKey: String
  let hasSecret: Bool

  init(_ key: PublicKey, hasSecret: Bool) {
    name = key.name
    id = key.keyID
    publicKey = key.line
    self.hasSecret = hasSecret
  }

  static func render(_ entries: [KeyRing.Entry], json: Bool) {
    if json {
      return Console.json(entries.map { KeyRow($0.publicKey, hasSecret: $0.secretPath != nil) })
    }
    for entry in entries {
      Console.out(
        "\(entry.publicKey.keyID)  \(entry.publicKey.name)\(entry.secretPath == nil ? "  (public half only)" : "")"
      )
    }
  }
}
