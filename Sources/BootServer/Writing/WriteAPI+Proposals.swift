internal import Channels
internal import FoundationEssentials
internal import ServerCore
internal import UpdateFramework

extension WriteAPI {
  private func local() throws(UploadError) -> (RepositoryDirectory, ProposalIntake) {
    guard let repository, let intake else {
      throw UploadError(
        .unknown, "this server keeps no repository: send it to the one that does")
    }
    return (repository, intake)
  }

  func propose() throws -> HTTPBodyPlan {
    let intake = try local().1
    return collect(ProposalIntake.maximumSize) { bytes in
      let outcome = try intake.take(bytes)
      note(outcome.merged ? "merged: \(outcome.reason)" : "waits for signatures: \(outcome.reason)")
      return Self.json(outcome.merged ? 200 : 202, outcome)
    }
  }

  func attest(_ release: String, _ name: String) throws -> HTTPBodyPlan {
    let directory = try local().0
    return collect(1 << 20) { bytes in
      let report = try ChannelRepository(directory).take(attestation: bytes, called: name, of: release)
      note("\(report.image) \(report.version) is attested: \(name)")
      return Self.json(200, report)
    }
  }

  /// A proposal that waits.
  func proposal(_ name: String) -> HTTPResponse? {
    guard let proposals else { return nil }
    guard name.hasSuffix(".json"), !name.hasPrefix("."), !name.contains("/"),
      let bytes = FileManager.default.contents(atPath: "\(proposals)/\(name)"),
      bytes.count <= ProposalIntake.maximumSize
    else {
      return .text(
        404, "There is no proposal \(name) that waits: it was merged, or another change has overtaken it.")
    }
    return .json(200, [UInt8](bytes))
  }
}
