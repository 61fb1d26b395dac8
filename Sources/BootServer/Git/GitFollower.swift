internal import CPosixShim
internal import Fleet
internal import FoundationEssentials
internal import GitSync
internal import Glibc
internal import Logging
internal import Manifest
internal import ServerCore
internal import ServiceLifecycle
internal import Synchronization

/// Follows a git repository with the fleet's manifest and proposals: what allowed signers committed on one branch is applied
/// whole, forward only; everything else is refused, and said.
package final class GitFollower: Sendable {
  /// What is known of the git repository, as programs read it: `/api/v1/git`.
  struct View: Sendable, Encodable {
    let source: String
    let branch: String
    /// The commit that is applied, who signed it, when it was made in seconds since 1970, and its first line.
    var applied: String?
    var signer: String?
    var time: Int64?
    var subject: String?
    /// The commit that the branch points at.
    var head: String?
    /// Why the branch is not followed at the moment.
    var problem: String?
    /// What differs from what is applied, one sentence each.
    var drift: [String] = []
  }

  let settings: GitSettings
  private let folder: String
  private let mirror: GitMirror
  private let events: @Sendable (FleetEvent.Severity, String) -> Void
  private let onFleet: @Sendable () -> Void
  private let overridden: @Sendable () -> Int
  private let refusals: Counter
  let view: Mutex<View>
  private let said = Mutex<String?>(nil)
  /// Held while what was fetched is applied.
  private let applying = Mutex<Void>(())
  /// How many looks wait for their host.
  let waiting = Mutex(0)

  /// Where the applied manifest is.
  static func fleetPath(state: String) -> String { "\(state)/git/fleet.yaml" }
  /// Where the applied proposals are.
  static func proposalsPath(state: String) -> String { "\(state)/git/proposals" }

  /// - Parameters:
  ///   - overridden: How many devices have settings of an operator's that git knows nothing of.
  ///   - onFleet: Told that another manifest is applied.
  init(
    _ settings: GitSettings, state: String, registry: MetricsRegistry,
    events: @escaping @Sendable (FleetEvent.Severity, String) -> Void,
    overridden: @escaping @Sendable () -> Int, onFleet: @escaping @Sendable () -> Void
  ) throws {
    self.settings = settings
    self.events = events
    self.onFleet = onFleet
    self.overridden = overridden
    folder = "\(state)/git"
    try FileManager.default.createDirectory(
      atPath: folder, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o750])
    mirror = try GitMirror(directory: "\(folder)/mirror.git")
    // Shown and logged: an address with a password in it must not come so far.
    try GitAddress.check(settings.from)
    let view = Mutex(View(source: settings.from, branch: settings.branch))
    self.view = view
    refusals = registry.counter("netimg_git_refusals_total", "States of the git branch that were refused.")
    registry.gauge("netimg_git_synced", "Whether the newest commit of the git branch is applied: 1 or 0.") {
      [weak self] in self?.isSynced == true ? 1 : 0
    }
  }

  private var isSynced: Bool {
    view.withLock { $0.problem == nil && $0.applied != nil && $0.applied == $0.head }
  }

  /// Looks at the repository once. Anything wrong leaves what was applied. It blocks for as long as the host is silent:
  /// see ``look(within:)``.
  /// - Parameter isCancelled: Asked while bytes arrive, and before anything is applied.
  func look(isCancelled: @escaping @Sendable () -> Bool) {
    let fetched = Result { () throws -> (AllowedSigners, String) in
      let signers = try AllowedSigners(Self.read(settings.allowedSigners), file: settings.allowedSigners)
      let access = GitAccess(
        key: settings.key, knownHosts: settings.knownHosts, tokenFile: settings.tokenFile,
        authority: settings.authority)
      // A handle of its own: one that waits for its host must not keep the next from looking.
      let mirror = try GitMirror(directory: "\(folder)/mirror.git")
      return (
        signers,
        try mirror.fetch(
          settings.from, branch: settings.branch, access: access, isCancelled: isCancelled)
      )
    }
    if isCancelled() { return }
    applying.withLock { _ in take(fetched) }
  }

  private func take(_ fetched: Result<(AllowedSigners, String), any Error>) {
    do {
      let (signers, commit) = try fetched.get()
      view.withLock { $0.head = commit }
      let head = try mirror.check(commit, signers: signers)
      let before = try mirror.appliedCommit()
      try apply(head, isNew: before != commit)
      view.withLock { view in
        (view.applied, view.signer, view.time, view.subject) = (
          head.commit, head.signer, head.time, head.subject
        )
        view.problem = nil
      }
      if before != commit {
        events(
          .info,
          "applied \(commit.prefix(12)) of \(settings.branch), signed by \(head.signer): \(head.subject)")
      }
      say(nil)
    } catch {
      fail("\(error)")
    }
    let devices = overridden()
    view.withLock { view in
      view.drift.removeAll { $0.hasSuffix(Self.overrides) }
      if devices > 0 { view.drift.append("\(devices)\(Self.overrides)") }
    }
  }

  /// Notes, and says once, why the branch is not followed.
  func fail(_ problem: String) {
    let applied = try? mirror.appliedCommit()
    view.withLock { view in
      view.problem = problem
      view.applied = view.applied ?? applied ?? nil
    }
    say("\(settings.from) is not followed, and what was applied stays: \(problem)")
  }

  private static let overrides = " devices have settings by netimg device set, which go before the manifest"

  /// Writes the manifest, if it is a good one, and the proposals; the manifest's rename is the step that counts.
  private func apply(_ head: GitMirror.Head, isNew: Bool) throws {
    let place = "\(settings.file) at \(head.commit.prefix(12))"
    guard let bytes = try mirror.file(settings.file, at: head.commit) else {
      throw GitSyncError(.notFound, "there is no \(place)")
    }
    _ = try FleetManifest.parse(bytes, file: place)
    let path = "\(folder)/fleet.yaml"
    let present = FileManager.default.contents(atPath: path).map { [UInt8]($0) }
    if !isNew, let present, present != bytes {
      let sentence = "\(path) was changed by hand, and is put right: change it in git"
      events(.warning, sentence)
      view.withLock { view in
        if !view.drift.contains(sentence) { view.drift.append(sentence) }
      }
    } else if isNew {
      view.withLock { $0.drift = [] }
    }
    if let proposals = settings.proposals {
      try write(mirror.jsonFiles(in: proposals, at: head.commit))
    }
    try mirror.setApplied(head.commit)
    guard present != bytes else { return }
    try Self.write(bytes, to: path)
    onFleet()
  }

  private func write(_ files: [(name: String, bytes: [UInt8])]) throws {
    let directory = "\(folder)/proposals"
    let manager = FileManager.default
    try manager.createDirectory(atPath: directory, withIntermediateDirectories: true)
    for name in try manager.contentsOfDirectory(atPath: directory)
    where !files.contains(where: { $0.name == name }) {
      try manager.removeItem(atPath: "\(directory)/\(name)")
    }
    for file in files
    where manager.contents(atPath: "\(directory)/\(file.name)").map({ [UInt8]($0) }) != file.bytes {
      try Self.write(file.bytes, to: "\(directory)/\(file.name)")
    }
  }

  private static func read(_ path: String) throws -> [UInt8] {
    guard let data = FileManager.default.contents(atPath: path) else {
      throw GitSyncError(
        .notFound,
        "cannot read \(path), the list of who may sign commits (git.allowedSigners); ssh-keygen(1) says how it looks"
      )
    }
    return [UInt8](data)
  }

  /// Whole or not at all; and from the moment that it is there, whoever has the role boot may read it.
  private static func write(_ bytes: [UInt8], to path: String) throws {
    let temporary = "\(path).partial"
    let file = netimg_open(temporary, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    var done = 0
    while file >= 0, done < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(file, $0.baseAddress?.advanced(by: done), $0.count - done)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      done += count
    }
    let isWritten = file >= 0 && done == bytes.count && fsync(file) == 0 && rename(temporary, path) == 0
    let reason = errno
    if file >= 0 { close(file) }
    guard isWritten else {
      throw GitSyncError(.local, "cannot write \(path): \(String(cString: strerror(reason))); make room")
    }
  }

  private func say(_ problem: String?) {
    let before = said.withLock { said in
      defer { said = problem }
      return said
    }
    guard problem != before else { return }
    if let problem {
      refusals.increment()
      events(.error, problem)
    } else {
      events(.info, "\(settings.from) is followed again")
    }
  }
}
