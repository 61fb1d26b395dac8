extension Rule {
  /// Passwords: fields of the account files that are neither locked nor elsewhere, and hashes in anything but ELF files.
  static let passwordHash = Rule(name: "password-hash") { root in
    root.files.flatMap { file -> [(path: String, message: String)] in
      let name = RootTree.name(of: file.path)
      let places = ["etc/", "usr/share/factory/", "usr/lib/credstore"]
      if accountFiles.contains(name), places.contains(where: file.path.hasPrefix), file.scan.elf == nil {
        return accounts(file.node.bytes ?? [], isGroup: name.contains("g")).map { (file.path, $0) }
      }
      guard let offset = file.scan.passwordHash else { return [] }
      let place = file.scan.isCompressed ? "\(offset) of what it holds compressed" : "\(offset)"
      return [(file.path, "holds the hash of a password at byte \(place): leave it out")]
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
}
