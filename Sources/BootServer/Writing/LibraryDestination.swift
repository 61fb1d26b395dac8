internal import Bytes
internal import Channels
internal import FoundationEssentials
internal import Glibc
internal import ImageBuilder
internal import Signing

/// A boot server's library as what takes releases over the network.
struct LibraryDestination: UploadDestination {
  let library: ReleaseLibrary
  let keys: [PublicKey]
  let threshold: Int

  var uploads: String { "\(library.directory)/.uploads" }

  func authority() throws -> ChannelPolicy.Authority {
    guard !keys.isEmpty else {
      throw UploadError(
        .refused,
        "this server's library takes no releases over the network: name keys that are trusted in its settings (uploads.keys)"
      )
    }
    return ChannelPolicy.Authority(keys: keys, threshold: threshold)
  }

  func witnesses() throws -> [PublicKey] { [] }

  func check(_ release: Release, _ manifest: [UInt8]) throws -> Bool {
    let digest = SHA256.digest(of: manifest)
    library.refresh()
    if library[digest] != nil { return true }
    if let other = library.releases.first(where: { $0.name == release.name && $0.version == release.version })
    {
      throw UploadError(
        .conflict,
        "\(release.name) \(release.version) is in the library already with other content (\(other.digest.hex)); a release is never replaced: raise the version"
      )
    }
    return false
  }

  func files(like image: String) -> any UploadSource {
    LibraryFiles(library: library, image: image)
  }

  func companion(_ name: String, of release: String) throws -> [UInt8]? {
    let path = "\(library.directory)/\(ReleaseLibrary.folder)/\(release)"
    guard access("\(path)/\(name)", F_OK) == 0 else { return nil }
    return try ReleaseReader(path).readIfPresent(name)
  }

  func publish(_ directory: String) async throws -> (isChanged: Bool, bytes: Int) {
    do {
      let result = try await ReleasePublisher(library: library.directory).publish(
        directory, keys: keys, threshold: threshold, links: true)
      library.refresh(force: true)
      return (result.outcome != .unchanged, result.bytes)
    } catch let error as BootServerError where error.code == .refused {
      throw UploadError(.wrong, error.message)
    }
  }
}

/// What the library has of an image.
private struct LibraryFiles: UploadSource {
  let library: ReleaseLibrary
  let image: String

  func file(_ digest: String, size: Int) -> String? {
    guard let path = library.path(ofContent: digest), FileSignature(path: path)?.size == size else {
      return nil
    }
    return path
  }

  func slice(_ digest: String, size: Int) -> LocalFiles.Slice? {
    file(digest, size: size).map { LocalFiles.Slice(path: $0, offset: 0, size: size) }
  }
}
