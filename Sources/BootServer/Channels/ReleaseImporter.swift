internal import Bytes
internal import Channels
internal import FoundationEssentials
internal import Glibc
internal import ImageBuilder

/// Brings releases that channels name into the library: every file checked against the release, which the channel's signed
/// metadata vouch for, and the release visible in one step when all of it is on the disk.
struct ReleaseImporter: Sendable {
  let library: ReleaseLibrary

  /// - Returns: A sentence about what was left out, or could not be proved, if anything was.
  /// - Throws: `ChannelError`, `UpdateError` or ``BootServerError``; what was fetched stays for the next attempt, unless the disk failed
  ///   when all of it was there.
  func bring(_ current: ChannelClient.Current, from client: ChannelClient) async throws -> String? {
    let folder = "\(library.directory)/\(ReleaseLibrary.folder)"
    let digest = current.entry.release
    let incoming = "\(folder)/.incoming-\(digest)"
    try FileManager.default.createDirectory(atPath: incoming, withIntermediateDirectories: true)
    var here = library.localFiles(like: current.entry.image)
    here.add(directory: incoming)
    let plan = try await client.plan(current, here: here)
    guard let hash = SHA256Digest(hex: digest),
      LibraryRelease(plan.release, digest: hash, isSigned: false) != nil
    else {
      throw BootServerError(
        .refused, "release.json of \(current.entry.image) names files that no release has")
    }
    try await client.run(plan, into: incoming)
    for file in plan.layout where access("\(incoming)/\(file.digest)", F_OK) != 0 {
      // Here already, in another release: looked at as an interrupted transfer would be.
      if let path = library.path(ofContent: file.digest) {
        try? FileManager.default.copyItem(atPath: path, toPath: "\(incoming)/\(file.digest).part")
      }
      try await client.download(file, to: incoming)
    }
    let companions = try await client.companions(of: current, plan, into: incoming)
    let lock = try LibraryLock(folder)
    defer { lock.unlock() }
    lock.removeLeftovers()
    let path = "\(folder)/\(digest)"
    let directory = try ReleaseDirectory(path)
    try directory.makeDirectory(ReleaseFile.frames)
    try directory.write(ByteRope(plan.manifest), to: ReleaseFile.release)
    var taken: [String: String] = [:]
    for file in plan.layout {
      let target = "\(directory.temporary)/\(file.name)"
      if let first = taken[file.digest] {
        try FileManager.default.copyItem(atPath: first, toPath: target)
      } else {
        try Self.move("\(incoming)/\(file.digest)", to: target)
        taken[file.digest] = target
      }
    }
    for companion in companions {
      try Self.move(companion.path, to: "\(directory.temporary)/\(companion.name)")
    }
    let note = Self.checkSignedUKI(directory.temporary)
    try directory.commitToDisk(as: path, replacing: true)
    try? FileManager.default.removeItem(atPath: incoming)
    library.refresh(force: true)
    guard case .unproved(let reason) = plan.passage else { return note }
    return [reason, note].compactMap(\.self).joined(separator: "; ")
  }

  private static func move(_ path: String, to target: String) throws {
    guard rename(path, target) == 0, chmod(target, 0o644) == 0 else {
      throw BootServerError(
        .inputOutput, "cannot write \(target): \(String(cString: strerror(errno))); make room")
    }
  }

  /// Nothing signed vouches for this file but itself: one that is not the release's own program is left out.
  private static func checkSignedUKI(_ directory: String) -> String? {
    do {
      _ = try ReleaseSecureBoot.signers(of: ReleaseReader(directory))
      return nil
    } catch {
      unlink("\(directory)/\(ReleaseFile.signedUKI)")
      return "the repository's \(ReleaseFile.signedUKI) was left out: \(error)"
    }
  }

  /// Removes what was fetched of releases that no channel names any more.
  func forget(except digests: Set<String>) {
    let folder = "\(library.directory)/\(ReleaseLibrary.folder)"
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    where name.hasPrefix(".incoming-") && !digests.contains(String(name.dropFirst(10))) {
      try? FileManager.default.removeItem(atPath: "\(folder)/\(name)")
    }
  }
}
