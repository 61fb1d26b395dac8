internal import Bytes
internal import UpdateFramework

extension ChannelRepository {
  /// A proposal may list releases that are here, and puts no other content in the place of one that is listed.
  /// - Throws: `replaced`, `badRelease`.
  func checkReleases(in proposal: Proposal) throws {
    guard let new = proposal.targets[Names.releases]?.signed.targets else { return }
    let old = state.targets[Names.releases]?.signed.targets ?? [:]
    for (path, file) in new where old[path]?.digests != file.digests {
      guard old[path] == nil else {
        throw ChannelError(
          .replaced,
          "\(path) is published with other content, and a release is never replaced: raise the version")
      }
      let place = try directory.targetPath(path.text, file)
      guard try directory.readTarget(at: place, file) != nil else {
        throw ChannelError(.badRelease, "\(path) is not here: publish the release before it is listed")
      }
    }
  }
}
