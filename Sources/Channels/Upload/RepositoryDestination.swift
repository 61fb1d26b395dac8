internal import Bytes
package import ImageBuilder
package import Signing
package import UpdateFramework

/// A repository's directory as what takes releases over the network. Listing them is for those to sign who hold the role
/// `releases`: what is put here is not listed by that.
package struct RepositoryDestination: UploadDestination {
  private let directory: RepositoryDirectory

  package init(_ directory: RepositoryDirectory) { self.directory = directory }

  package var uploads: String { "\(directory.path)/.uploads" }

  private func open() throws -> ChannelRepository { try ChannelRepository(directory) }

  package func authority() throws -> ChannelPolicy.Authority {
    do {
      return ChannelPolicy.Authority(keys: try open().buildKeys(), threshold: 1)
    } catch let error as ChannelError where error.code == .badRelease {
      throw UploadError(.refused, error.description)
    }
  }

  package func witnesses() throws -> [PublicKey] {
    try open().channels().flatMap { $0.policy.builtBy?.keys ?? [] }
  }

  package func check(_ release: Release, _ manifest: [UInt8]) throws -> Bool {
    let repository = try open()
    let target = try repository.listing(of: release, manifest).target
    return repository.state.targets[Names.releases]?.signed.targets[target] != nil
  }

  package func files(like image: String) -> any UploadSource { Objects(directory: directory) }

  package func companion(_ name: String, of release: String) throws -> [UInt8]? {
    try directory.readObject(at: Names.object("\(release).\(name)"), limit: 1 << 30)
  }

  package func publish(_ path: String) async throws -> (isChanged: Bool, bytes: Int) {
    let publication = try await open().publish(releaseAt: path, links: true, now: .now)
    return (publication.copiedFiles > 0 || publication.proposal != nil, publication.copiedBytes)
  }

  private struct Objects: UploadSource {
    let directory: RepositoryDirectory

    func file(_ digest: String, size: Int) -> String? {
      let name = Names.object(digest)
      return directory.hasObject(at: name, size: size) ? "\(directory.path)/\(name)" : nil
    }

    func slice(_ digest: String, size: Int) -> LocalFiles.Slice? {
      file(digest, size: size).map { LocalFiles.Slice(path: $0, offset: 0, size: size) }
    }
  }
}
