internal import Bytes
internal import FoundationEssentials
internal import Signing
internal import UpdateFramework

extension RepositoryOptions {
  /// The repository's directory, and the root that is trusted for it: the one that was given, else the one that is kept
  /// beside the keys, else the one that is there, which is then kept and shown.
  func trusted() throws -> RepositoryDirectory {
    let given = try remote.root.map { try FileIO.read($0, limit: UpdateLimits().rootLength).bytes }
    guard let ring = try? KeyRing.default(environment: ProcessInfo.processInfo.environment) else {
      return RepositoryDirectory(repo, trustedRoot: given)
    }
    let pin = PinnedRoot(of: repo, in: "\(ring.directory)/roots")
    let (directory, taken) = try pin.open(repo, given: given)
    if let taken {
      let version = taken.signed.header.version
      Console.error(
        "note: root version \(version) of \(repo) is trusted from now on, since no other was known: sha256:"
          + "\(SHA256.digest(of: taken.bytes).hex) (kept in \(pin.file)). Compare that with what another key holder has, or give "
          + "--root")
    }
    return directory
  }
}
