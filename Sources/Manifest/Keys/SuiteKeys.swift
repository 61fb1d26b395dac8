/// The keys of `suite`.
enum SuiteKeys {
  static let name = Key(
    "name", .text(.archivePart), "The suite's code name.", example: "trixie", required: true)
  static let keyring = Key(
    "keyring", .text(.keyringPath),
    "The OpenPGP keys that may sign: an absolute path, or a file relative to this manifest.",
    example: "/usr/share/keyrings/debian-archive-keyring.gpg", required: true)
  static let sources = Key(
    "sources", .values(of: source, allowsEmpty: false),
    "The archives to read; Debian's own, its updates and its security archive if it is missing.",
    example: "[{archive: debian, suite: trixie, sections: [main]}]")

  static let archive = Key(
    "archive", .text(.archivePart), "The archive's name in the list of mirrors.", example: "debian",
    required: true)
  static let sourceSuite = Key(
    "suite", .text(.archivePart), "The suite there.", example: "trixie-updates", required: true)
  static let sections = Key(
    "sections", .values(of: .text(.archivePart), allowsEmpty: false),
    "The sections to read; main if it is missing.",
    example: "[main]")

  static let source = ValueType<SuiteSource>.object(
    "SuiteSource", "One archive's suite.", keys: [archive, sourceSuite, sections]
  ) { fields, _ in
    guard let archive = fields[archive], let suite = fields[sourceSuite] else { return nil }
    return SuiteSource(archive: archive, suite: suite, sections: fields[sections] ?? ["main"])
  }

  static let suite = ValueType<Suite>.object(
    "Suite", "The Debian suite that packages come from.", keys: [name, keyring, sources]
  ) { fields, context in
    guard let name = fields[name], let path = fields.located(keyring) else { return nil }
    var ring = Keyring.host(path: path.value)
    if !path.value.utf8.starts(with: "/".utf8) {
      guard let (path, file) = context.readSource(path.value, at: path.location) else { return nil }
      ring = .repository(path: path, bytes: file.bytes)
    }
    return Suite(name: name, keyring: ring, sources: fields[sources] ?? debianSources(of: name))
  }

  /// What a Debian system reads: the release, its updates and its security archive.
  static func debianSources(of name: String) -> [SuiteSource] {
    [("debian", name), ("debian", "\(name)-updates"), ("debian-security", "\(name)-security")].map {
      SuiteSource(archive: $0, suite: $1, sections: ["main"])
    }
  }
}
