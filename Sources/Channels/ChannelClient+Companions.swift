internal import CPosixShim
internal import Glibc
internal import ImageBuilder
internal import Transfers
internal import UpdateFramework

extension ChannelClient {
  /// Brings the files beside a release that release.json does not name into a directory: envelopes, and a UKI that is signed for
  /// Secure Boot. Nothing vouches for them but the signatures inside, so none may be much longer than what it is about.
  /// - Returns: What the release calls them, and where they are.
  /// - Throws: `storage`, or an `UpdateError`: `tooLarge` for one that is longer.
  package func companions(
    of current: Current, _ plan: Plan, into directory: String
  ) async throws -> [(name: String, path: String)] {
    func size(_ name: String) -> Int? {
      plan.release.artifacts.first { $0.name == name }.map { min(Int(clamping: $0.size), 1 << 30) }
    }
    let room = 1 << 20
    var files: [(name: String, path: String)] = []
    for (name, limit) in [
      (ReleaseFile.signature, 2 * plan.manifest.count + room),
      (ReleaseFile.sbomSignature, size(ReleaseFile.sbom).map { 2 * $0 + room }),
      (ReleaseFile.provenanceSignature, size(ReleaseFile.provenance).map { 2 * $0 + room }),
      (ReleaseFile.signedUKI, size(ReleaseFile.uki).map { $0 + room }),
    ] {
      guard let limit else { continue }
      let path = "\(directory)/\(current.entry.release).\(name)"
      let url = "\(baseURL)/\(Names.object("\(current.entry.release).\(name)"))"
      do {
        try await fetcher.fetch(url, limit: limit, into: BoundedFile(path, limit: limit, url: url))
        files.append((name, path))
      } catch let error as UpdateError where error.code == .notAvailable {
        unlink(path)
      } catch {
        unlink(path)
        throw error
      }
    }
    return files
  }
}

/// A file that takes so many bytes and no more. The engine has it during the transfer.
private final class BoundedFile: TransferSink, @unchecked Sendable {
  private let path: String
  private let url: String
  private let limit: Int
  private let file: Int32
  private var count = 0

  /// - Throws: `ChannelError` `.storage`.
  init(_ path: String, limit: Int, url: String) throws(ChannelError) {
    self.path = path
    self.url = url
    self.limit = limit
    file = netimg_open(path, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0o644)
    guard file >= 0 else { throw failed() }
  }

  deinit { if file >= 0 { close(file) } }

  func receive(_ bytes: UnsafeRawBufferPointer) throws {
    guard bytes.count <= limit - count else {
      throw UpdateError(
        .tooLarge, "\(url) has more than the \(limit) bytes that are allowed; the mirror lies, use another")
    }
    var rest = bytes
    while !rest.isEmpty {
      let written = Glibc.write(file, rest.baseAddress, rest.count)
      if written < 0 && errno == EINTR { continue }
      guard written > 0 else { throw failed() }
      rest = UnsafeRawBufferPointer(rebasing: rest[written...])
    }
    count += bytes.count
  }

  private func failed() -> ChannelError {
    ChannelError(
      .storage, "cannot write \(path): \(String(cString: strerror(errno))); make room, or check permissions")
  }
}
