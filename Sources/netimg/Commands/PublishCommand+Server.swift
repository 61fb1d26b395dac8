internal import ArgumentParser
internal import Channels
internal import ImageBuilder
internal import UpdateFramework

/// Publishing over a server's API.
extension PublishCommand {
  /// Sends the release, then proposes to list it.
  func publish(to address: RepositoryAddress) async throws {
    let opened = try await options.repository.open()
    let progress = options.common.progress()
    progress.begin("Verifying and sending")
    try await opened.state.verify(releaseAt: release)
    let reader = try ReleaseReader(release)
    let proposal = try opened.state.proposal(toList: reader.release, reader.manifest, now: .now)
    let report = try await ReleaseUploader(
      reader, to: .repository, of: options.repository.remote.control(address)
    )
    .run(signer: options.signing.open())
    progress.end()
    say(report)
    try await list(reader, proposal, opened)
  }

  /// Has the release listed. Somebody else may be listing one at the same time, which makes this proposal come too late:
  /// then it is made anew.
  private func list(_ reader: ReleaseReader, _ first: Proposal?, _ start: OpenRepository) async throws {
    let (image, version) = (reader.release.name, reader.release.version)
    var (proposal, opened) = (first, start)
    for attempt in 0..<8 {
      guard let change = proposal else { return await reportPublished(image, version, isSeen: true) }
      do {
        return try await options.settle(change, in: opened, name: "publish-\(image)-\(version)")
      } catch let error as ControlClient.Refusal where error.status == 409 && attempt < 7 {
        try await Task.sleep(for: .milliseconds(500))
        opened = try await options.repository.open()
        proposal = try opened.state.proposal(toList: reader.release, reader.manifest, now: .now)
      }
    }
  }

  /// Sends the release; the server checks it by the keys in its settings.
  func publish(toLibraryOf address: RepositoryAddress) async throws {
    let progress = options.common.progress()
    progress.begin("Verifying and sending")
    let outcome = try await ReleaseVerifier(release).verify(keys: [], threshold: 1)
    guard outcome.findings.isEmpty else {
      throw ChannelError(
        .badRelease,
        (["\(release) is not published:"] + outcome.findings.prefix(20)).joined(separator: "\n  "))
    }
    let report = try await ReleaseUploader(
      ReleaseReader(release), to: .library, of: options.repository.remote.control(address)
    ).run(signer: options.signing.open())
    progress.end()
    if options.common.json { return Console.json(SendingReport(report)) }
    say(report)
  }

  private func say(_ report: ReleaseUploader.Report) {
    guard !options.common.json else { return }
    let name = "\(report.image) \(report.version), sha256:\(report.digest)"
    guard report.sentFiles + report.composedFiles > 0 || report.isChanged else {
      return Console.out("\(name): the server has all of it, nothing was sent")
    }
    Console.out(
      "\(name): \(report.sentFiles) files and the parts of \(report.composedFiles) more were sent, \(report.sentBytes) bytes in all"
    )
  }

  /// What `netimg publish --to URL --json` prints.
  private struct SendingReport: Encodable {
    let name: String
    let version: String
    let digest: String
    let changed: Bool
    let sentFiles: Int
    let composedFiles: Int
    let sentBytes: Int

    init(_ report: ReleaseUploader.Report) {
      name = report.image
      version = report.version
      digest = report.digest
      changed = report.isChanged
      sentFiles = report.sentFiles
      composedFiles = report.composedFiles
      sentBytes = report.sentBytes
    }
  }
}
