extension Rule {
  /// Passwords: fields of the account files that are neither locked nor elsewhere, and hashes anywhere in the
  /// configuration.
  static let passwordHash = Rule(name: "password-hash") { root in
    root.files.flatMap { file -> [(path: String, message: String)] in
      let places = ["etc/", "usr/share/factory/", "usr/lib/credstore", "usr/lib/sysusers.d/"]
      guard places.contains(where: file.path.hasPrefix), file.scan.elf == nil,
        let bytes = file.node.bytes, bytes.count < 1 << 20
      else { return [] }
      if accountFiles.contains(RootTree.name(of: file.path)) {
        return accounts(bytes, isGroup: RootTree.name(of: file.path).contains("g")).map { (file.path, $0) }
      }
      guard let offset = hash(in: bytes) else { return [] }
      return [(file.path, "holds the hash of a password at byte \(offset): leave it out")]
    }
  }

  private static let accountFiles: Set<String> = [
    "group", "group-", "gshadow", "gshadow-", "master.passwd", "passwd", "passwd-", "shadow", "shadow-",
  ]

  /// What is wrong with the second field of each line (passwd(5), shadow(5), gshadow(5)). A group without a password
  /// field lets nobody in.
  private static func accounts(_ bytes: [UInt8], isGroup: Bool) -> [String] {
    bytes.split(separator: UInt8(ascii: "\n")).compactMap { line in
      let fields = line.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
      guard fields.count >= 4, let first = line.first, first != UInt8(ascii: "#") else { return nil }
      let name = String(decoding: fields[0], as: UTF8.self)
      let isLocked = fields[1].allSatisfy { "!*".utf8.contains($0) } || fields[1].elementsEqual("x".utf8)
      if fields[1].isEmpty {
        return isGroup ? nil : "lets \(name) in without a password: lock the account with *"
      }
      return isLocked ? nil : "holds the hash of \(name)'s password: lock the account with *"
    }
  }

  /// Where a hash in crypt(5)'s modular format begins: `$ID$…$HASH`.
  private static func hash(in bytes: [UInt8]) -> Int? {
    let identifiers = ["1", "2a", "2b", "2y", "5", "6", "7", "y", "gy", "sha1", "argon2id"].map {
      Array($0.utf8)
    }
    var rest = bytes[...]
    while let start = rest.firstIndex(of: UInt8(ascii: "$")) {
      rest = bytes[(start + 1)...]
      let identifier = rest.prefix(9).prefix { $0 != UInt8(ascii: "$") }
      guard identifiers.contains(where: { $0.elementsEqual(identifier) }),
        bytes[identifier.endIndex...].first == UInt8(ascii: "$")
      else { continue }
      let body = bytes[(identifier.endIndex + 1)...].prefix { byte in
        SecretPattern.isAlphanumeric(byte) || "./$=,+-".utf8.contains(byte)
      }
      if body.count >= 30 || (identifier.elementsEqual("1".utf8) && body.count >= 24),
        body.contains(UInt8(ascii: "$")) || identifier.first == UInt8(ascii: "2")
      {
        return start
      }
    }
    return nil
  }
}
