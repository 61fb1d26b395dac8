internal import Bytes

/// A client of one repository: brings the local metadata up to date, and gets targets that they vouch for
/// (specification section 5). One update uses one consistent state of the repository throughout.
package actor Updater {
  let fetcher: any Fetcher
  let local: LocalMetadata
  let limits: UpdateLimits
  private let metadataURL: String
  let targetsURL: String?
  private let lock: LocalMetadata.Lock

  /// What is trusted so far.
  package internal(set) var trusted: TrustedSet
  private var refreshing: Task<Void, any Error>?

  /// Opens the local metadata and locks them until the client goes away.
  /// - Parameters:
  ///     - metadataURL: Where the repository's metadata are.
  ///     - targetsURL: Where its targets are, if any are to be fetched.
  /// - Throws: `noRoot`, `malformed` or `threshold` for a local root that cannot be used, `conflict`,
  ///   `localStorage`.
  package init(
    local: LocalMetadata, fetcher: any Fetcher, metadataURL: String, targetsURL: String? = nil,
    limits: UpdateLimits = UpdateLimits()
  ) throws(UpdateError) {
    self.local = local
    self.fetcher = fetcher
    self.limits = limits
    self.metadataURL = Self.directory(metadataURL)
    self.targetsURL = targetsURL.map(Self.directory)
    let root = try local.readRoot(limit: limits.rootLength)
    trusted = try TrustedSet(root: root, startTime: limits.startTime, limits: limits)
    lock = try local.lock()
  }

  deinit { lock.release() }

  private static func directory(_ url: String) -> String { url.hasSuffix("/") ? url : url + "/" }

  /// Brings the four top-level roles up to date, each one written as soon as it is trusted. Does nothing the
  /// second time: a new update needs a new client.
  /// - Throws: ``UpdateError``; what was trusted before stays, and a later update goes on from there.
  package func refresh() async throws {
    let task: Task<Void, any Error>
    if let refreshing {
      task = refreshing
    } else {
      task = Task { try await self.update() }
      refreshing = task
    }
    do {
      // Whoever else waits for it is cancelled too: a client belongs to one piece of work.
      try await withTaskCancellationHandler {
        try await task.value
      } onCancel: {
        task.cancel()
      }
    } catch {
      refreshing = nil
      throw error
    }
  }

  private func update() async throws {
    // Somebody may have been at work between the first look and the lock.
    trusted = try TrustedSet(
      root: try local.readRoot(limit: limits.rootLength), startTime: trusted.startTime, limits: limits)
    try local.finishReplacement(rootVersion: trusted.root.signed.header.version)
    try await updateRoot()
    try await updateTimestamp()
    try await updateSnapshot()
    try await load("targets", delegatedBy: nil)
  }

  /// Follows the chain of roots to its end (5.3).
  private func updateRoot() async throws {
    for _ in 0..<limits.rootVersions {
      let old = trusted.root.signed
      guard let bytes = try await fetchRoot(version: old.header.version + 1) else {
        return try trusted.checkRootExpiry()
      }
      try trusted.update(root: bytes)
      let new = trusted.root.signed
      try local.replaceRoot(
        bytes, version: new.header.version, voidsOthers: TrustedSet.revokes(new, keysOf: old))
    }
    throw UpdateError(
      .tooManyRoots, role: "root", version: trusted.root.signed.header.version,
      "more than \(limits.rootVersions) new versions in one update; run it again to go on, if that can be right"
    )
  }

  /// `nil` where the chain ends.
  func fetchRoot(version: Int) async throws -> [UInt8]? {
    do {
      return try await fetch("root", version: version, limit: limits.rootLength)
    } catch let error as UpdateError where error.code == .notAvailable {
      return nil
    }
  }

  private func updateTimestamp() async throws {
    if let bytes = local.read("timestamp", limit: limits.timestampLength) {
      trusted.load(localTimestamp: bytes)
    }
    let bytes = try await fetch("timestamp", version: nil, limit: limits.timestampLength)
    if try trusted.update(timestamp: bytes) { try local.write(bytes, role: "timestamp") }
  }

  private func updateSnapshot() async throws {
    if let bytes = local.read("snapshot", limit: limits.snapshotLength), trusted.load(localSnapshot: bytes) {
      return
    }
    guard let file = trusted.timestamp?.signed.snapshot else {
      preconditionFailure("a timestamp is trusted by now")
    }
    let bytes = try await fetch(
      "snapshot", version: versionInName(file.version), limit: min(file.length ?? .max, limits.snapshotLength)
    )
    try trusted.update(snapshot: bytes)
    try local.write(bytes, role: "snapshot")
  }

  /// Makes targets metadata trusted, from the local disk if they are current, else from the repository.
  func load(_ role: ExactString, delegatedBy delegator: ExactString?) async throws {
    if trusted.targets(of: role) != nil { return try trusted.check(trusted: role, delegatedBy: delegator) }
    let file = try trusted.file(of: role)
    if let bytes = local.read(role.text, limit: limits.targetsLength),
      (try? trusted.update(targets: bytes, of: role, delegatedBy: delegator)) != nil
    {
      return
    }
    let bytes = try await fetch(
      role.text, version: versionInName(file.version), limit: min(file.length ?? .max, limits.targetsLength))
    try trusted.update(targets: bytes, of: role, delegatedBy: delegator)
    try local.write(bytes, role: role.text)
  }

  private func versionInName(_ version: Int) -> Int? {
    trusted.root.signed.consistentSnapshot ? version : nil
  }

  func fetch(_ role: String, version: Int?, limit: Int) async throws -> [UInt8] {
    let name = "\(version.map { "\($0)." } ?? "")\(FileNames.escaped(role)).json"
    do {
      return try await fetcher.fetch(metadataURL + name, limit: limit)
    } catch let error as UpdateError {
      throw UpdateError(error.code, role: role, version: version, error.description)
    }
  }
}
