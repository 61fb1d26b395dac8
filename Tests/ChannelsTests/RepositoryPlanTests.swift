import Bytes
import FoundationEssentials
import Manifest
import Signing
import TestSupport
import Testing

@testable import Channels
@testable import UpdateFramework

/// The manifest of a repository, what it leads to, and what key holders are told about it.
@Suite struct RepositoryPlanTests {
  private static let keys = Result { try SampleRepository.pairs() }

  private func codes(_ old: String, _ new: String) throws -> [ManifestError.Code] {
    #expect(SampleRepository.manifest.contains(old))
    do {
      _ = try SampleRepository.plan(SampleRepository.manifest.replacing(old, with: new), try Self.keys.get())
      return []
    } catch let error as ManifestError {
      return error.codes
    }
  }

  @Test func mistakesAreFound() throws {
    #expect(try codes("kind: Repository", "kind: Image") == [.badValue])
    #expect(try codes("kind: Repository", "apiVersion: netimg/v1\nkind: Repository") == [])
    #expect(try codes("kind: Repository", "apiVersion: netimg/v2\nkind: Repository") == [.badValue])
    #expect(try codes("kind: Repository", "kind: Repository\nkinds: 1") == [.unknownKey])
    #expect(try codes("  timestamp: {signers: [server], days: 1}\n", "") == [.missingKey])
    #expect(try codes("dev: {signers: [ci]}", "dev: {signers: [nobody]}") == [.badValue])
    #expect(try codes("dev: {signers: [ci]}", "Dev/x: {signers: [ci]}") == [.badValue])
    #expect(try codes("dev: {signers: [ci]}", "dev: {signers: [ci, ci]}") == [.badValue])
    #expect(try codes("dev: {signers: [ci]}", "dev: {signers: [ci], threshold: 2}") == [.badValue])
    #expect(try codes("dev: {signers: [ci]}", "dev: {signers: [ci], threshold: 0}") == [.badValue])
    #expect(try codes("dev: {signers: [ci]}", "dev: {signers: [ci], soakHours: 3}") == [.conflict])
    #expect(try codes("dev: {signers: [ci]}", "dev: [ci]") == [.wrongType])
    #expect(try codes("after: dev}", "after: prod}") == [.badValue])
    // Three people, though four keys.
    #expect(
      try codes("eve], threshold: 2, count: people, after", "eve], threshold: 4, count: people, after") == [
        .badValue
      ])
    #expect(
      try codes("eve], threshold: 2, count: people, after", "eve], threshold: 4, count: keys, after") == [])
    #expect(try codes("count: people, days", "count: pets, days") == [.badValue])
  }

  @Test func whatIsAsItShouldBeIsNotProposed() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await SampleRepository(at: scratch.path)
      let plan = try SampleRepository.plan(SampleRepository.manifest, sample.keys)
      let draft = plan.draft(over: try sample.open().state, now: sample.now)
      #expect(try draft.proposal(reason: "").roles.isEmpty)
      let status = RepositoryStatus(try sample.open(), now: sample.now)
      #expect(status.warnings.isEmpty, "\(status.warnings)")
      #expect(
        status.roles.map(\.name) == [
          "root", "timestamp", "snapshot", "targets", "releases", "channel-dev", "channel-staging",
          "channel-prod",
        ])
    }
  }

  @Test func aChangedManifestRotatesKeysWithWordsForIt() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await SampleRepository(at: scratch.path)
      let manifest = SampleRepository.manifest
        .replacing(
          "root: {signers: [ada, bob, eve], threshold: 2", with: "root: {signers: [bob, eve], threshold: 1"
        )
        .replacing(
          "staging: {signers: [ada, bob], after: dev}",
          with: "staging: {signers: [eve], after: dev, soakHours: 2}")
      let draft = try SampleRepository.plan(manifest, sample.keys).draft(
        over: try sample.open().state, now: sample.now)
      var proposal = try draft.proposal(reason: "ada leaves")
      // The channel's metadata are to be signed by its new keys.
      #expect(proposal.roles == ["root", "channel-staging", "targets"])
      let review = try ProposalReview(proposal, in: sample.open())
      let changes = review.roles.flatMap(\.changes)
      let id = { (name: String) in String((sample.keys[name]?.publicKey.keyID ?? "").prefix(16)) }
      #expect(changes.contains("root: ada (\(id("ada-token"))) may sign no more"), "\(changes)")
      #expect(changes.contains("root: 1 person must sign, were 2"))
      #expect(changes.contains("channel-staging: eve (\(id("eve"))) may sign"))
      #expect(changes.contains("channel-staging: gate soak_hours: 0 → 2"), "\(changes)")
      #expect(!review.isComplete)
      for name in ["bob", "eve"] {
        _ = try await proposal.sign(with: sample.signer(name), in: try sample.open().state)
      }
      let signed = try ProposalReview(proposal, in: sample.open())
      #expect(signed.isComplete)
      #expect(
        signed.roles.first?.signatures == [
          "root: 2 of 2 people (bob, eve)", "the new root: 2 of 1 people (bob, eve)",
        ])
      try await sample.merge(proposal, [])
      #expect(try sample.open().state.root.signed.header.version == 2)
    }
  }

  @Test func statusWarnsBeforeMetadataExpire() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await SampleRepository(at: scratch.path)
      let repository = try sample.open()
      func warnings(_ days: Int) -> [String] {
        RepositoryStatus(repository, now: sample.now.advanced(by: days * 86400)).roles
          .filter { $0.warning != nil }.map(\.name)
      }
      #expect(warnings(0) == [])
      #expect(warnings(2) == ["timestamp"])
      #expect(warnings(80).contains("releases") && !warnings(80).contains("root"))
      #expect(warnings(360).contains("root"))
    }
  }

  @Test func mergedButNotPublishedIsSaid() async throws {
    try await withScratchDirectory { scratch in
      let sample = try await SampleRepository(at: scratch.path)
      var proposal = try sample.open().freeze("dev", reason: "x", now: sample.now)
      _ = try await proposal.sign(with: sample.signer("ci"), in: try sample.open().state)
      try sample.directory.merge(proposal)
      let warnings = RepositoryStatus(try sample.open(), now: sample.now).warnings
      #expect(warnings.count == 1 && warnings[0].hasPrefix("channel-dev: version 2 is merged"), "\(warnings)")
    }
  }
}
