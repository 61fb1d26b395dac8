internal import Glibc

/// A directory of keys: `NAME.key` (secret) and `NAME.pub` (public) side by side.
package struct KeyRing: Sendable {
  /// A key in the ring.
  package struct Entry: Hashable, Sendable {
    package let publicKey: PublicKey
    /// The path of `NAME.key`; `nil` where only the public half is here.
    package let secretPath: String?
  }

  /// The ring's directory; it may not exist yet.
  package let directory: String

  package init(directory: String) { self.directory = directory }

  /// `NETIMG_KEYS`, else `$XDG_CONFIG_HOME/netimg/keys`, else `~/.config/netimg/keys`. Empty variables count
  /// as unset, relative XDG and HOME directories are ignored. Throws `noLocation` if nothing is left.
  package static func `default`(environment: [String: String]) throws -> KeyRing {
    if let keys = environment["NETIMG_KEYS"], !keys.isEmpty { return KeyRing(directory: keys) }
    if let config = environment["XDG_CONFIG_HOME"], config.hasPrefix("/") {
      return KeyRing(directory: "\(config)/netimg/keys")
    }
    if let home = environment["HOME"], home.hasPrefix("/") {
      return KeyRing(directory: "\(home)/.config/netimg/keys")
    }
    throw SigningError(
      .noLocation,
      "neither NETIMG_KEYS, XDG_CONFIG_HOME nor HOME says where keys are kept; set NETIMG_KEYS to a directory"
    )
  }

  /// Where the secret half of `name` is, or would be. Throws `invalidName`.
  package func secretPath(_ name: String) throws -> String { "\(directory)/\(try KeyName.check(name)).key" }

  /// Where the public half of `name` is, or would be. Throws `invalidName`.
  package func publicPath(_ name: String) throws -> String { "\(directory)/\(try KeyName.check(name)).pub" }

  /// Writes a new pair as `NAME.key` (0600) and `NAME.pub` (0644), creating the directory (0700). Throws
  /// `exists` if either is there, and then changes nothing.
  @discardableResult
  package func add(_ pair: KeyPair, protection: SecretKeyFile.Protection) throws -> Entry {
    let name = pair.publicKey.name
    let (secret, open) = (try secretPath(name), try publicPath(name))
    for path in [secret, open] where access(path, F_OK) == 0 {
      throw SigningError(
        .exists, cause: EEXIST,
        "\(path) exists already and is not replaced; choose another name, or move it away")
    }
    let file = try SecretKeyFile(pair, protection: protection)
    try Self.makeDirectory(directory)
    try file.write(secret)
    do {
      try pair.publicKey.write(open)
    } catch {
      // Ours, and nobody has seen its public half yet.
      unlink(secret)
      throw error
    }
    return Entry(publicKey: pair.publicKey, secretPath: secret)
  }

  /// All keys, sorted by name; none if the directory does not exist. Throws `malformed` if a file's name is
  /// not that of the key inside, and whatever an unreadable file causes.
  package func list() throws -> [Entry] {
    var entries: [Entry] = []
    for name in try names() {
      let secret = try secretPath(name)
      let hasSecret = access(secret, F_OK) == 0
      let open = try publicPath(name)
      let key = access(open, F_OK) == 0 ? try PublicKey.read(open) : try SecretKeyFile.read(secret).publicKey
      guard key.name == name else {
        throw SigningError(
          .malformed, "\(open) holds the key '\(key.name)'; rename the file, or mend the name inside")
      }
      entries.append(Entry(publicKey: key, secretPath: hasSecret ? secret : nil))
    }
    return entries
  }

  /// The key of that name, else the one whose identifier begins with these digits (8 at least). Throws
  /// `notFound` or `ambiguous`.
  package func find(_ nameOrPrefix: String) throws -> Entry {
    let all = try list()
    if let entry = all.first(where: { $0.publicKey.name == nameOrPrefix }) { return entry }
    let prefix = nameOrPrefix.lowercased()
    let matches = prefix.utf8.count < 8 ? [] : all.filter { $0.publicKey.keyID.hasPrefix(prefix) }
    if matches.count > 1 {
      let names = matches.map(\.publicKey.description).joined(separator: ", ")
      throw SigningError(.ambiguous, "'\(nameOrPrefix.prefix(80))' fits several keys: \(names); give a name")
    }
    guard let entry = matches.first else {
      let names = all.isEmpty ? "none" : all.map(\.publicKey.name).joined(separator: ", ")
      throw SigningError(
        .notFound,
        "there is no key '\(nameOrPrefix.prefix(80))' in \(directory); it has \(names)"
      )
    }
    return entry
  }

  /// The names of all `.key` and `.pub` files, sorted; others are ignored.
  private func names() throws -> [String] {
    guard let stream = opendir(directory) else {
      if errno == ENOENT { return [] }
      throw SigningError.system("read", directory, errno: errno, advice: "check NETIMG_KEYS")
    }
    defer { closedir(stream) }
    var names: Set<String> = []
    while let entry = readdir(stream) {
      let file = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      guard file.hasSuffix(".key") || file.hasSuffix(".pub") else { continue }
      let name = String(file.dropLast(4))
      if (try? KeyName.check(name)) != nil { names.insert(name) }
    }
    return names.sorted()
  }

  /// Creates a directory of keys, mode 0700, and those above it, where they are missing.
  package static func makeDirectory(_ directory: String) throws {
    var path = ""
    for part in directory.split(separator: "/", omittingEmptySubsequences: false) {
      path +=
        path.isEmpty && part.isEmpty ? "/" : path.isEmpty || path.hasSuffix("/") ? "\(part)" : "/\(part)"
      guard mkdir(path, 0o700) != 0, errno != EEXIST else { continue }
      if access(path, F_OK) == 0 { continue }
      throw SigningError.system("create", path, errno: errno, advice: "check NETIMG_KEYS and its permissions")
    }
  }
}
