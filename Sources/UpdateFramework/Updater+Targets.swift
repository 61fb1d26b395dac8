package import Bytes
internal import Transfers

/// A target that the repository's roles vouch for.
package struct VouchedTarget: Sendable, Hashable {
  package let path: ExactString
  package let file: TargetFile
  /// The role that lists it, and its version.
  package let role: ExactString
  package let version: Int
}

extension Updater {
  /// Searches the delegations for a target, depth first and in order of trust (5.6.7), after a refresh if
  /// there was none.
  /// - Throws: `targetNotFound` if nobody who is trusted with the path lists it; any other ``UpdateError`` if
  ///   a role on the way cannot be had or trusted, because the answer would then be a guess.
  package func target(_ path: String) async throws -> VouchedTarget {
    try await refresh()
    let path = ExactString(path)
    var waiting: [(role: ExactString, delegator: ExactString?)] = [("targets", nil)]
    var visited: Set<ExactString> = []
    while let (role, delegator) = waiting.popLast() {
      guard visited.insert(role).inserted else { continue }
      guard visited.count <= limits.visitedRoles else {
        throw notFound(path, "\(limits.visitedRoles) roles were searched, which is the limit")
      }
      try await load(role, delegatedBy: delegator)
      guard let metadata = trusted.targets(of: role)?.signed else { continue }
      if let file = metadata.targets[path] {
        return VouchedTarget(path: path, file: file, role: role, version: metadata.header.version)
      }
      var next: [(ExactString, ExactString?)] = []
      for (name, isTerminating) in metadata.delegations?.roles(for: path.text) ?? [] {
        next.append((name, role))
        if isTerminating {
          waiting.removeAll()
          break
        }
      }
      waiting.append(contentsOf: next.reversed())
    }
    throw notFound(path, "no role that is trusted with this path lists it")
  }

  /// All targets of a role that has been trusted in this update, or is delegated directly by the top-level
  /// role.
  /// - Throws: as ``target(_:)``; `targetNotFound` if the top-level role does not delegate to it.
  package func targets(of role: ExactString) async throws -> TargetsRole {
    try await refresh()
    if role != "targets" {
      guard trusted.targets(of: "targets")?.signed.delegations?.roleKeys(of: role) != nil else {
        throw UpdateError(
          .targetNotFound, role: role.text, "the repository delegates to no such role; check its name")
      }
      try await load(role, delegatedBy: "targets")
    }
    guard let metadata = trusted.targets(of: role) else { preconditionFailure("the role is trusted by now") }
    return metadata.signed
  }

  /// The file that ``download(_:to:)`` leaves in a directory: the path with everything special escaped, so
  /// that it can name nothing outside.
  package nonisolated static func localPath(of path: String, in directory: String) -> String {
    "\(directory)/\(FileNames.local(path))"
  }

  /// Whether the file at a path is the target, whole and unchanged.
  package nonisolated func isPresent(_ target: VouchedTarget, at path: String) -> Bool {
    AtomicFile.fits(path, length: target.file.length, digests: target.file.digests)
  }

  /// Downloads a target, unless the file is there already. A file appears whole and checked, or not at all.
  /// - Returns: Whether it had to be fetched.
  /// - Throws: `wrongDigest`, `wrongLength`, `tooLarge`, `tooSlow`, `notAvailable`, `unreachable`,
  ///   `localStorage`.
  @discardableResult
  package func download(_ target: VouchedTarget, to path: String) async throws -> Bool {
    if isPresent(target, at: path) { return false }
    let address = try address(of: target)
    let sink = try TargetSink(target, path: path)
    do {
      try await fetcher.fetch(address, limit: target.file.length, into: sink)
      try sink.commit()
    } catch {
      sink.discard()
      throw error
    }
    return true
  }

  /// Fetches a small target into memory, checked.
  /// - Throws: `tooLarge` if it has more than `limit` bytes, or as ``download(_:to:)``.
  package func bytes(of target: VouchedTarget, limit: Int) async throws -> [UInt8] {
    let name = UpdateError.printable(target.path.text)
    guard target.file.length <= limit else {
      throw UpdateError(
        .tooLarge, role: target.role.text, version: target.version,
        "\(name) has \(target.file.length) bytes, but no more than \(limit) make sense; ask the publisher")
    }
    let bytes = try await fetcher.fetch(try address(of: target), limit: target.file.length)
    guard bytes.count == target.file.length, target.file.digests.fit(bytes) else {
      throw UpdateError(
        bytes.count == target.file.length ? .wrongDigest : .wrongLength, role: target.role.text,
        version: target.version, "\(name) is not what is signed; the mirror is damaged, or lies: use another")
    }
    return bytes
  }

  private func address(of target: VouchedTarget) throws(UpdateError) -> String {
    guard let targetsURL else { preconditionFailure("a client that downloads has a URL for targets") }
    guard let digest = target.file.digests.fileNamePrefix else {
      throw UpdateError(
        .wrongDigest, role: target.role.text, version: target.version,
        "\(UpdateError.printable(target.path.text)) has no digest of SHA-256, SHA-384 or SHA-512, so it cannot be "
          + "checked; ask the publisher")
    }
    let isPrefixed = trusted.root.signed.consistentSnapshot
    return targetsURL + FileNames.address(of: target.path.text, digest: isPrefixed ? digest : nil)
  }

  private func notFound(_ path: ExactString, _ reason: String) -> UpdateError {
    UpdateError(.targetNotFound, "\(UpdateError.printable(path.text)): \(reason); check the path")
  }
}

/// Writes a target to a temporary file and hashes it on the way. The fetcher has it during the transfer, the
/// client before and after.
private final class TargetSink: TransferSink, @unchecked Sendable {
  private let target: VouchedTarget
  private let file: AtomicFile
  private var check: DigestCheck
  private var count = 0

  init(_ target: VouchedTarget, path: String) throws {
    self.target = target
    file = try AtomicFile(path)
    check = DigestCheck(target.file.digests)
  }

  func receive(_ bytes: UnsafeRawBufferPointer) throws {
    guard bytes.count <= target.file.length - count else {
      throw refusal(.tooLarge, "is longer than the \(target.file.length) bytes that are signed")
    }
    count += bytes.count
    check.update(bytes)
    try file.append(bytes)
  }

  func commit() throws {
    guard count == target.file.length else {
      throw refusal(.wrongLength, "has \(count) bytes, but \(target.file.length) are signed")
    }
    guard check.finish() else { throw refusal(.wrongDigest, "does not have the digest that is signed") }
    try file.commit()
  }

  /// Leaves nothing behind, even if the fetcher keeps this a moment longer.
  func discard() { file.discard() }

  private func refusal(_ code: UpdateError.Code, _ problem: String) -> UpdateError {
    UpdateError(
      code, role: target.role.text, version: target.version,
      "\(UpdateError.printable(target.path.text)) \(problem); the mirror is damaged, or lies: use another")
  }
}
