internal import Bytes
internal import Channels
internal import FoundationEssentials
internal import Fleet
internal import Glibc
internal import Manifest
internal import Signing
internal import Synchronization
internal import UpdateFramework

/// What the server does for a repository that is a directory: it signs freshness, and merges what all have signed.
extension ChannelFollower {
  /// Files of proposals that are looked at, of those that wait.
  static let maximumProposals = 100

  /// Reads the proposals, merges those that are complete, and signs snapshot and timestamp if that is due. Without an
  /// online key it only reads.
  func tend() async {
    // The online key is the role control's alone.
    guard !isReader else { return }
    guard settings.isLocal else { return readRemoteProposals() }
    do {
      let signer = try onlineSigner()
      var proposals: [RepositoryView.Proposal] = []
      for file in proposalFiles() {
        if let proposal = await handle(file, merges: signer != nil) { proposals.append(proposal) }
      }
      show(proposals)
      if let signer {
        if try await repositoryDirectory().publish(signers: [KeyRingSigner(signer)], now: .now) {
          event(.info, "signed", "signed snapshot and timestamp of \(settings.from)")
        }
      }
      say("online", nil, "the repository's freshness is signed here again")
    } catch {
      say("online", "cannot look after the repository \(settings.from): \(error)", nil)
    }
  }

  /// The repository. It must follow from the root that was trusted last, and must not be older than what was trusted: else
  /// whoever can write to its disk would have the online key sign whatever they like.
  private func repositoryDirectory() throws -> RepositoryDirectory {
    RepositoryDirectory(
      settings.from, trustedRoot: try trust.readRoot(limit: UpdateLimits().rootLength), seen: trust)
  }

  private func readRemoteProposals() {
    guard settings.proposals != nil else { return }
    show(
      proposalFiles().compactMap { file in
        guard let bytes = try? ProposalFile(path: file).read(),
          let proposal = try? Proposal(bytes, source: file),
          let review = try? ProposalReview(proposal, in: nil)
        else { return nil }
        return RepositoryView.Proposal(Self.name(file), review)
      })
  }

  private func show(_ proposals: [RepositoryView.Proposal]) {
    view.withLock { $0.proposals = proposals }
    metrics.set(pending: proposals.count)
  }

  private static func name(_ path: String) -> String { path.slashSeparated().last ?? path }

  private func proposalFiles() -> [String] {
    guard let folder = settings.proposals else { return [] }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    let files = names.filter { $0.hasSuffix(".json") && !$0.hasPrefix(".") }.sorted().map {
      "\(folder)/\($0)"
    }
    let waiting = merged.withLock { merged in
      merged = merged.filter { files.contains($0.key) }
      return files.filter { merged[$0] == nil || merged[$0] != FileTimes($0) }
    }
    let more = waiting.count - Self.maximumProposals
    say(
      "proposals",
      more > 0
        ? "\(waiting.count) proposals wait in \(folder), and only the first \(Self.maximumProposals) by name are looked at: remove those that nobody signs any more"
        : nil, nil, at: .warning)
    return Array(waiting.prefix(Self.maximumProposals))
  }

  /// A proposal that is merged needs no look any more. In a directory of its own the server puts it away; what git has, git
  /// keeps.
  private func putAway(_ path: String, moves: Bool) {
    if moves, settings.proposals != gitProposals, ProposalFile(path: path).moveToMerged() { return }
    guard let times = FileTimes(path) else { return }
    merged.withLock { $0[path] = times }
  }

  /// - Returns: What is still to be done about it; `nil` if it is merged, or was before.
  private func handle(_ file: String, merges: Bool) async -> RepositoryView.Proposal? {
    do {
      let proposal = try Proposal(ProposalFile(path: file).read(), source: file)
      let repository = try ChannelRepository(repositoryDirectory())
      if proposal.isMerged(in: repository.state) {
        putAway(file, moves: merges)
        return nil
      }
      let review = try ProposalReview(proposal, in: repository)
      var shown = RepositoryView.Proposal(Self.name(file), review)
      guard merges, review.isComplete else { return shown }
      do {
        try repository.prepareMerge(of: proposal, now: .now)
        try repository.directory.merge(proposal)
        event(.info, "merged", "merged \(Self.name(file)): \(review.reason)")
        say("proposal \(file)", nil, nil)
        putAway(file, moves: true)
        return nil
      } catch {
        shown.problem = "\(error)"
        say("proposal \(file)", "\(Self.name(file)) is not merged: \(error)", nil, at: .warning)
        return shown
      }
    } catch {
      say("proposal \(file)", "\(Self.name(file)) cannot be read: \(error)", nil, at: .warning)
      return nil
    }
  }

  /// The key of snapshot and timestamp, unlocked; `nil` if this server has none.
  private func onlineSigner() throws -> (any Signer)? {
    guard let name = settings.onlineKey else { return nil }
    if let signer = unlocked.withLock(\.self) { return signer }
    let entry = try KeyRing(directory: settings.keys ?? "keys").find(name)
    guard let path = entry.secretPath else {
      throw BootServerError(
        .notFound, "only the public half of the key \(name) is in \(settings.keys ?? "keys")")
    }
    let file = try SecretKeyFile.read(path)
    var passphrase: SecretBytes?
    if file.isEncrypted {
      passphrase = try Passphrase.find(
        Passphrase.Sources(
          file: settings.passphraseFile, environment: ProcessInfo.processInfo.environment, terminal: nil),
        forKey: name, isNew: false)
    }
    let signer = FileSigner(try file.unlock(passphrase: passphrase))
    unlocked.withLock { $0 = signer }
    return signer
  }
}

extension RepositoryView.Proposal {
  init(_ file: String, _ review: ProposalReview) {
    self.init(
      file: file, reason: review.reason,
      roles: review.roles.map {
        Role(
          name: $0.name, version: $0.version, changes: $0.changes, signatures: $0.signatures,
          complete: $0.isComplete)
      }, complete: review.isComplete)
  }
}
