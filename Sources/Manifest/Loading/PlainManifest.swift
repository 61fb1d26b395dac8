internal import Glibc

extension FleetManifest {
  /// Reads a `kind: Fleet` manifest at `path` on disk. Throws one error with everything that is wrong in it.
  package static func load(file path: String) throws(ManifestError) -> FleetManifest {
    try PlainManifest.load(path, kind: .fleet, as: FleetKeys.fleet)
  }

  /// Reads a manifest from its bytes; `file` names them in locations.
  package static func parse(_ bytes: [UInt8], file: String) throws(ManifestError) -> FleetManifest {
    try PlainManifest.parse(bytes, file: file, kind: .fleet, as: FleetKeys.fleet)
  }
}

extension ServerManifest {
  /// Reads a `kind: Server` manifest at `path` on disk. Throws one error with everything that is wrong in it.
  package static func load(file path: String) throws(ManifestError) -> ServerManifest {
    try PlainManifest.load(path, kind: .server, as: ServerKeys.server)
  }

  /// Reads a manifest from its bytes; `file` names them in locations.
  package static func parse(_ bytes: [UInt8], file: String) throws(ManifestError) -> ServerManifest {
    try PlainManifest.parse(bytes, file: file, kind: .server, as: ServerKeys.server)
  }
}

/// Manifests that stand by themselves, outside of any repository of images.
enum PlainManifest {
  static func load<Value>(
    _ path: String, kind: ManifestKind, as type: ValueType<Value>
  ) throws(ManifestError) -> Value {
    try parse(try read(path), file: path, kind: kind, as: type)
  }

  static func parse<Value>(
    _ bytes: [UInt8], file: String, kind: ManifestKind, as type: ValueType<Value>
  ) throws(ManifestError) -> Value {
    let node = try YAMLDocument.parse(bytes, file: file)
    var session = LoadingSession(tree: EmptyTree())
    let origin = Origin(kind: kind, name: node.entry("name")?.value.text ?? file)
    guard session.check(node, is: kind),
      let value = session.decode(node, file: file, as: type, origin: origin)
    else { throw ManifestError(session.problems) }
    return value
  }

  private static func read(_ path: String) throws(ManifestError) -> [UInt8] {
    let number = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard number >= 0 else {
      let isAbsent = errno == ENOENT
      throw ManifestError(
        .init(
          isAbsent ? .notFound : .unreadable, at: SourceLocation(file: path),
          isAbsent ? "there is no such file" : "it cannot be read: \(PosixError(errno))",
          suggestion: isAbsent ? "check the path" : nil))
    }
    defer { close(number) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    // One byte beyond the limit is enough for the parser to refuse it.
    while bytes.count <= YAMLDocument.maximumSize {
      let count = Glibc.read(number, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else {
        throw ManifestError(
          .init(.unreadable, at: SourceLocation(file: path), "it cannot be read: \(PosixError(errno))"))
      }
      if count == 0 { break }
      bytes.append(contentsOf: buffer.prefix(count))
    }
    return bytes
  }

  private struct EmptyTree: SourceTree {
    func file(at path: String) throws -> SourceFile? { nil }
    func list(_ directory: String) throws -> [SourceEntry] { [] }
  }
}
