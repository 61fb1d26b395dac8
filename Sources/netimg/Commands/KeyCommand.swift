internal import ArgumentParser
internal import FoundationEssentials
internal import SecureBoot
internal import Signing

/// `netimg key`
struct KeyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "key",
    abstract: "Make, show and list signing keys: Ed25519 for releases, RSA for Secure Boot.",
    subcommands: [KeyNewCommand.self, KeyShowCommand.self, KeyListCommand.self])
}

/// `netimg key new`
struct KeyNewCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new", abstract: "Make a key: NAME.key, encrypted, and NAME.pub.",
    discussion: flowing(
      """
      With --secure-boot it makes the three keys of UEFI Secure Boot instead, as a directory NAME.secure-boot: PK, KEK and
      db, RSA of 2048 bits with SHA-256 (what all firmware takes), each with its certificate (.crt PEM, .cer DER), its EFI
      signature list (.esl) and its authenticated variable (.auth) for enrolment. Only db.key signs images: keep PK.key
      and KEK.key offline. docs/secure-boot.md tells how to enrol and to rotate them.

      Examples:
        netimg key new build
        netimg key new ci --passphrase-file /run/secrets/passphrase
        netimg key new test --no-passphrase
        netimg key new lab --secure-boot
        netimg key new lab-2027 --secure-boot --under lab     another db key for the machines of lab
      """))

  @Argument(help: "The key's name.")
  var name: String

  @Flag(help: "Do not encrypt the secret half: for CI systems that keep the file itself as a secret.")
  var noPassphrase = false

  @Flag(help: "Make keys for UEFI Secure Boot: PK, KEK and db.")
  var secureBoot = false

  @Option(
    help: ArgumentHelp(
      "With --secure-boot: the owner's GUID in the signature lists (default: a random one).",
      valueName: "guid"))
  var owner: String?

  @Option(
    help: ArgumentHelp(
      "With --secure-boot: make a db key only, and let the KEK of these keys bring it in.", valueName: "name")
  )
  var under: String?

  @OptionGroup var signing: SigningOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if !secureBoot, owner != nil || under != nil {
      throw ValidationError("--owner and --under go with --secure-boot.")
    }
    if owner != nil, under != nil { throw ValidationError("--owner is that of --under's keys.") }
    if signing.signer != nil { throw ValidationError("--signer has no meaning here.") }
    if noPassphrase, signing.passphraseFile != nil {
      throw ValidationError("--no-passphrase and --passphrase-file exclude each other.")
    }
  }

  func run() async throws {
    let ring = try signing.ring.open()
    // One name, one kind of key: commands find keys by their names.
    let keys = try SecureBootKeySet(name, in: ring)
    let taken = secureBoot ? [try ring.secretPath(name), try ring.publicPath(name)] : [keys.directory]
    for path in taken where FileManager.default.fileExists(atPath: path) {
      throw SecureBootError(.exists, "\(path) is there already: choose another name")
    }
    if secureBoot { return try await makeSecureBootKeys(keys, ring) }
    let pair = try KeyPair.generate(name: name)
    let entry = try ring.add(pair, protection: protection())
    if common.json { return Console.json([KeyRow(entry)]) }
    Console.out(KeyRow(entry).text)
  }

  private func makeSecureBootKeys(_ keys: SecureBootKeySet, _ ring: KeyRing) async throws {
    var request: SecureBootKeySet.Request
    // Before anybody thinks of a passphrase.
    guard !keys.exists else {
      throw SecureBootError(
        .exists, "\(keys.directory) is there already: choose another name, or move it away")
    }
    let now = Int64(Date().timeIntervalSince1970)
    if let under {
      let parent = try SecureBootKeySet(under, in: ring)
      let signer = try parent.signer(.keyExchange) { try signing.passphrase(for: under, isNew: false) }
      request = SecureBootKeySet.Request(
        owner: try parent.owner(), time: now, protection: try protection(), keyExchange: signer)
    } else {
      request = SecureBootKeySet.Request(
        owner: try owner.map { try EFIGUID($0) } ?? .random(), time: now, protection: try protection())
    }
    try await keys.make(request)
    let row = try SecureBootKeyRow(keys)
    if common.json { return Console.json([row]) }
    Console.out(row.text)
  }

  private func protection() throws -> SecretKeyFile.Protection {
    noPassphrase ? .none : .passphrase(try signing.passphrase(for: name, isNew: true))
  }
}

/// `netimg key show`
struct KeyShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Print a key's public half, or the certificates of Secure Boot keys.",
    discussion: flowing(
      """
      Examples:
        netimg key show build            the line that --key takes as a file
        netimg key show build --pem      for openssl and others (RFC 8410)
        netimg key show lab              Secure Boot: certificates, and which secret halves are here
        netimg key show lab --pem        Secure Boot: the certificate of db, for sbverify and others
      """))

  @Argument(help: "A key's name, the beginning of its identifier, or a .pub file.")
  var key: String

  @Flag(help: "As PEM.")
  var pem = false

  @OptionGroup var ring: KeyRingOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    if let keys = try? SecureBootKeySet(key, in: ring.open()), keys.exists {
      if pem { return Console.write(try keys.certificate(.database).pem, to: 1) }
      let row = try SecureBootKeyRow(keys)
      if common.json { return Console.json([row]) }
      return Console.out(row.text)
    }
    let key = try ring.publicKey(key)
    if common.json {
      let entries = (try? ring.open().list()) ?? []
      let hasSecret = entries.contains { $0.publicKey.keyID == key.keyID && $0.secretPath != nil }
      return Console.json([KeyRow(key, hasSecret: hasSecret)])
    }
    Console.out(pem ? String(key.pem.reversed().drop { $0.isNewline }.reversed()) : key.line)
  }
}

/// `netimg key list`
struct KeyListCommand: ParsableCommand {
  static let configuration = CommandConfiguration(commandName: "list", abstract: "List the keys.")

  @OptionGroup var ring: KeyRingOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    let ring = try ring.open()
    let rows = try ring.list().map { KeyListRow.ed25519(KeyRow($0)) }
    let secureBoot = try SecureBootKeySet.list(in: ring).map {
      KeyListRow.secureBoot(try SecureBootKeyRow($0))
    }
    if common.json { return Console.json(rows + secureBoot) }
    for row in rows + secureBoot { Console.out(row.text) }
  }
}
