internal import Bytes
internal import CPosixShim
internal import FoundationEssentials
internal import Glibc
internal import Signing
internal import Synchronization
package import UpdateFramework

/// Takes proposals from the network: from those who hold a key of a role that they change, and no others.
package final class ProposalIntake: Sendable {
  /// The most bytes that a proposal may have, and proposals that may wait.
  package static let maximumSize = 16 << 20
  package static let maximumWaiting = 64
  /// Names of files of proposals that came over the network begin so.
  static let prefix = "api-"

  private let directory: RepositoryDirectory
  private let waiting: String?
  private let merges: Bool
  /// One at a time.
  private let turn = Mutex(())

  /// - Parameters:
  ///   - waiting: Where proposals wait for signatures; `nil` if they do not wait here.
  ///   - merges: Whether a proposal that is complete is merged.
  package init(_ directory: RepositoryDirectory, waiting: String?, merges: Bool) {
    self.directory = directory
    self.waiting = waiting
    self.merges = merges
  }

  /// What became of a proposal.
  package struct Outcome: Codable, Sendable {
    package let reason: String
    /// Whether it is part of the repository.
    package let merged: Bool
    /// The name under which it waits; `nil` if it does not.
    package let waiting: String?
    /// Who has signed, for each role.
    package let signatures: [String]
    /// Why it is not merged though it has all its signatures.
    package let problem: String?
  }

  /// - Throws: ``UploadError``.
  package func take(_ bytes: [UInt8]) throws(UploadError) -> Outcome {
    guard bytes.count <= Self.maximumSize else {
      throw UploadError(.tooLarge, "a proposal has at most \(Self.maximumSize) bytes")
    }
    let proposal: Proposal
    do { proposal = try Proposal(bytes, source: "what was sent") } catch {
      throw UploadError(.malformed, error.description)
    }
    do {
      return try turn.withLock { _ in try settle(proposal) }
    } catch let error as UpdateError {
      throw UploadError(error.code == .conflict ? .conflict : .malformed, error.description)
    } catch {
      throw UploadError(error)
    }
  }

  private func settle(_ sent: Proposal) throws -> Outcome {
    let repository = try ChannelRepository(directory)
    try checkSigners(sent, repository.state)
    if sent.isMerged(in: repository.state) {
      return Outcome(
        reason: sent.reason, merged: true, waiting: nil, signatures: [], problem: nil)
    }
    try checkVersions(sent, repository.state)
    try repository.checkReleases(in: sent)
    let name = "\(Self.prefix)\(Self.identity(of: sent).prefix(32)).json"
    var proposal = sent
    let path = waiting.map { "\($0)/\(name)" }
    if let path, let before = try? FileIO.read(path, limit: Self.maximumSize).bytes {
      // What somebody signed before stays; a signature that is none counts for nothing.
      try proposal.add(signaturesOf: Proposal(before, source: path))
    }
    proposal = proposal.keepingValidSignatures(in: repository.state)
    let review = try ProposalReview(proposal, in: repository)
    let signatures = review.roles.map { "\($0.name): \($0.signatures.joined(separator: "; "))" }
    var problem: String?
    if review.isComplete {
      if merges {
        do {
          try repository.prepareMerge(of: proposal, now: .now)
          try directory.merge(proposal)
          if let path { unlink(path) }
          return Outcome(
            reason: proposal.reason, merged: true, waiting: nil, signatures: signatures, problem: nil)
        } catch let error as ChannelError where [.gate, .frozen].contains(error.code) {
          // A gate may open later, and those who signed need not sign again.
          problem = error.description
        }
      } else {
        problem =
          "this server does not hold the repository's online key: netimg repo merge, where the repository's directory is"
      }
    }
    guard let path, let waiting else {
      throw UploadError(
        .conflict,
        problem ?? "the proposal needs more signatures, and proposals wait in git here: commit it there")
    }
    try keep(proposal, at: path, in: waiting, repository.state)
    return Outcome(
      reason: proposal.reason, merged: false, waiting: name, signatures: signatures, problem: problem)
  }

  /// Somebody whose key counts today, for a role that changes, must have signed: the keys of a proposed root do not.
  private func checkSigners(_ proposal: Proposal, _ state: Repository) throws(UploadError) {
    let isVouchedFor = proposal.roles.contains { name in
      state.delegations(to: name).contains { delegation in
        let tally =
          name == "root"
          ? proposal.root?.tally(delegation.role, keys: delegation.keys)
          : proposal.targets[name]?.tally(delegation.role, keys: delegation.keys)
        return (tally?.count ?? 0) > 0
      }
    }
    guard isVouchedFor else {
      throw UploadError(
        .refused,
        "nobody who holds a key of a role that the proposal changes has signed it: sign it with netimg repo sign"
      )
    }
  }

  private func checkVersions(_ proposal: Proposal, _ state: Repository) throws(UploadError) {
    for name in proposal.roles {
      let (version, current) =
        name == "root"
        ? (proposal.root?.signed.header.version, state.root.signed.header.version)
        : (proposal.targets[name]?.signed.header.version, state.targets[name]?.signed.header.version ?? 0)
      guard version == current + 1 else {
        throw UploadError(
          .conflict,
          "the repository's \(name) is at version \(current) by now, so a proposal for version \(version ?? 0) comes too late: propose the change anew"
        )
      }
    }
  }

  private func keep(_ proposal: Proposal, at path: String, in waiting: String, _ state: Repository) throws {
    try? FileManager.default.createDirectory(atPath: waiting, withIntermediateDirectories: true)
    let names = (try FileManager.default.contentsOfDirectory(atPath: waiting)).filter {
      $0.hasSuffix(".json") && !$0.hasPrefix(".")
    }
    var count = names.count
    if access(path, F_OK) != 0, count >= Self.maximumWaiting {
      count -= removeOvertaken(names, in: waiting, state)
      guard count < Self.maximumWaiting else {
        throw UploadError(
          .tooMany,
          "\(count) proposals are waiting for signatures, which is the limit: have them signed, or remove some"
        )
      }
    }
    let temporary = "\(waiting)/.\(UInt64.random(in: 0 ... .max))"
    try FileIO.create(temporary, proposal.bytes, mode: 0o644)
    guard rename(temporary, path) == 0 else {
      unlink(temporary)
      throw UploadError(.failed, "cannot write \(path): \(String(cString: strerror(errno)))")
    }
  }

  /// Removes proposals from the network that another change has overtaken: they are of no use to anybody.
  /// - Returns: How many.
  private func removeOvertaken(_ names: [String], in waiting: String, _ state: Repository) -> Int {
    names.count { name in
      guard name.hasPrefix(Self.prefix),
        let bytes = try? FileIO.read("\(waiting)/\(name)", limit: Self.maximumSize).bytes,
        let proposal = try? Proposal(bytes, source: name), (try? checkVersions(proposal, state)) == nil
      else { return false }
      return unlink("\(waiting)/\(name)") == 0
    }
  }

  /// The same, for a server that looks now and then.
  package func sweep() {
    guard let waiting, let names = try? FileManager.default.contentsOfDirectory(atPath: waiting),
      names.contains(where: { $0.hasPrefix(Self.prefix) }),
      let repository = try? ChannelRepository(directory)
    else { return }
    turn.withLock { _ in _ = removeOvertaken(names, in: waiting, repository.state) }
  }

  /// The same for every copy of a proposal, whoever has signed it.
  private static func identity(of proposal: Proposal) -> String {
    var hash = SHA256()
    for name in proposal.roles {
      let bytes = name == "root" ? proposal.root?.signedBytes : proposal.targets[name]?.signedBytes
      hash.update(Array("\(name.text.utf8.count) \(bytes?.count ?? 0) \(name.text)".utf8))
      hash.update(bytes ?? [])
    }
    return hash.finish().hex
  }
}
