internal import Bytes
internal import Glibc

/// What a client trusts, repeated as a repository of metadata: another client on this host, with the same root to begin
/// with, checks all of it once more by itself.
///
/// The timestamp comes last, as in any repository: whoever reads meanwhile sees the state before or the new one. That takes
/// consistent snapshots; without them a reader may have to look again.
package struct MetadataMirror: Sendable {
  /// The repository's directory, which has `metadata` in it.
  package let directory: String
  /// The root that both begin with, byte for byte.
  private let first: [UInt8]
  /// The files of the state that was there before this one: somebody may still read them.
  private var kept: Set<String>?

  package init(_ directory: String, root first: [UInt8]) {
    self.directory = directory
    self.first = first
  }

  /// Repeats what a client trusts after its refresh: every root since the first one, the top-level roles, and those
  /// delegated ones that it asked for. Files that are there already are left alone.
  /// - Throws: `UpdateError`: `localStorage`, or why a root on the way cannot be had; the timestamp is then the old one.
  package mutating func update(from updater: Updater) async throws {
    let trusted = await updater.trusted
    let folder = "\(directory)/metadata"
    try Self.makeDirectories([directory, folder])
    var wanted = try await roots(to: trusted, updater, folder)
    guard let snapshot = trusted.snapshot else { preconditionFailure("a refresh ends with all four roles") }
    let hasVersions = trusted.root.signed.consistentSnapshot
    var files: [(name: String, bytes: [UInt8])] = []
    func add(_ role: ExactString, version: Int) throws {
      guard let bytes = updater.local.read(role.text, limit: updater.limits.targetsLength) else {
        throw UpdateError(
          .localStorage, role: role.text, "it is gone from \(updater.local.directory); refresh again")
      }
      files.append(("\(hasVersions ? "\(version)." : "")\(FileNames.escaped(role.text)).json", bytes))
    }
    for role in snapshot.signed.files.keys.compactMap(Self.role).sorted(by: { $0.text < $1.text }) {
      guard let metadata = trusted.targets(of: role) else { continue }
      try add(role, version: metadata.signed.header.version)
    }
    try add("snapshot", version: snapshot.signed.header.version)
    guard let timestamp = updater.local.read("timestamp", limit: updater.limits.timestampLength) else {
      throw UpdateError(
        .localStorage, role: "timestamp", "it is gone from \(updater.local.directory); refresh again")
    }
    files.append(("timestamp.json", timestamp))
    for file in files {
      try Self.write(file.bytes, to: "\(folder)/\(file.name)")
      wanted.insert(file.name)
    }
    tidy(folder, wanted)
    kept = wanted
  }

  /// The chain of roots, from the first on; one that does not follow from the one before it is fetched anew.
  private func roots(to trusted: TrustedSet, _ updater: Updater, _ folder: String) async throws -> Set<String>
  {
    var chain = try TrustedSet(root: first, startTime: trusted.startTime, limits: updater.limits)
    let last = trusted.root.signed.header.version
    var names: Set<String> = []
    let begin = "\(chain.root.signed.header.version).root.json"
    try Self.write(first, to: "\(folder)/\(begin)")
    names.insert(begin)
    while chain.root.signed.header.version < last {
      let version = chain.root.signed.header.version + 1
      let path = "\(folder)/\(version).root.json"
      names.insert("\(version).root.json")
      if let bytes = try? AtomicFile.read(path, limit: updater.limits.rootLength),
        (try? chain.update(root: bytes)) != nil
      {
        continue
      }
      let found =
        version == last
        ? try updater.local.readRoot(limit: updater.limits.rootLength)
        : try await updater.fetchRoot(version: version)
      guard let bytes = found else {
        throw UpdateError(
          .notAvailable, role: "root", version: version,
          "the repository has it no more, so that nobody can follow from the root to begin with to version \(last): give a newer root"
        )
      }
      try chain.update(root: bytes)
      try Self.write(bytes, to: path)
    }
    return names
  }

  /// Removes what neither this state nor the one before it has.
  private func tidy(_ folder: String, _ wanted: Set<String>) {
    guard let kept else { return }
    for name in Self.names(in: folder) where !wanted.contains(name) && !kept.contains(name) {
      unlink("\(folder)/\(name)")
    }
  }

  private static func role(_ file: ExactString) -> ExactString? {
    file.text.hasSuffix(".json") ? ExactString(String(file.text.dropLast(5))) : nil
  }

  private static func write(_ bytes: [UInt8], to path: String) throws(UpdateError) {
    let present = try? AtomicFile.read(path, limit: bytes.count)
    if present != bytes { try AtomicFile.write(bytes, to: path) }
  }

  private static func makeDirectories(_ paths: [String]) throws(UpdateError) {
    for path in paths where mkdir(path, 0o755) != 0 && errno != EEXIST {
      throw LocalMetadata.failed("create", path)
    }
  }

  private static func names(in folder: String) -> [String] {
    guard let stream = opendir(folder) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }
}
