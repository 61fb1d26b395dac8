internal import BlobStore
internal import Bytes
internal import Transfers

extension Fetcher {
  /// Why one mirror did not deliver.
  private struct Failure {
    let mirror: MirrorURL
    let reason: String
    let isLie: Bool
  }

  private enum Attempt {
    case done
    /// Trying again later may help.
    case transient(String)
    /// This mirror does not have the file.
    case absent(String)
    /// This mirror has other bytes under that name.
    case lie(String)
  }

  func fetch(_ item: FetchItem) async throws {
    if store.contains(item.digest, size: item.size) {
      report {
        $0.items += 1
        $0.bytes += item.size
      }
      return
    }
    guard item.size >= 0, item.paths.allSatisfy(ArchivePath.isSafe) else {
      throw ArchiveError(.malformedIndex, "\(item.name): its path in the archive is not a safe relative path")
    }
    let sink = BlobSink(try await store.download(item.digest, size: item.size)) { count in
      self.report { $0.bytes += count }
    }
    defer { sink.keep() }
    report { $0.bytes += sink.size }
    try await fetch(item, into: sink)
    report { $0.items += 1 }
  }

  private func fetch(_ item: FetchItem, into sink: BlobSink) async throws {
    var candidates = try usableMirrors(of: item.archive, for: item.name)
    var failures: [MirrorURL: Failure] = [:]
    var round = 0
    while round < max(1, policy.rounds), !candidates.isEmpty {
      if round > 0 { try await pause(round) }
      let sizeBefore = sink.size
      for mirror in candidates {
        switch try await attempt(item, at: mirror, into: sink) {
        case .done:
          for failure in failures.values where failure.isLie { note("\(failure.mirror): \(failure.reason)") }
          return
        case .transient(let reason):
          failures[mirror] = Failure(mirror: mirror, reason: reason, isLie: false)
        case .absent(let reason):
          failures[mirror] = Failure(mirror: mirror, reason: reason, isLie: false)
          candidates.removeAll { $0 == mirror }
        case .lie(let reason):
          failures[mirror] = Failure(mirror: mirror, reason: reason, isLie: true)
          candidates.removeAll { $0 == mirror }
        }
      }
      // Progress is finite, so rounds that bring a good piece of the file need no other bound.
      if sink.size - sizeBefore < 1 << 16 { round += 1 }
    }
    throw summary(item, failures.values.sorted { $0.mirror.text < $1.mirror.text })
  }

  private func attempt(_ item: FetchItem, at mirror: MirrorURL, into sink: BlobSink) async throws -> Attempt {
    var result = Attempt.absent("it names no path")
    for path in item.paths {
      result = try await attempt(item, at: mirror, path: path, into: sink)
      if case .absent = result { continue }
      return result
    }
    return result
  }

  private func attempt(
    _ item: FetchItem, at mirror: MirrorURL, path: String, into sink: BlobSink
  ) async throws -> Attempt {
    while true {
      let start = sink.size
      var end = TransferEnd.complete
      if start < item.size {
        end = await engine.perform(
          address: mirror.address(of: path), offset: start, limit: item.size, into: sink)
      }
      var lie: String?
      switch end {
      // The server says that this is all: a connection that breaks ends otherwise.
      case .complete where sink.size < item.size:
        lie = "its \(item.name) has \(sink.size) bytes instead of the \(item.size) that the archive signed"
      case .complete:
        do {
          try sink.commit()
          return .done
        } catch let error as StoreError where error.code == .mismatch {
          lie = "its \(item.name) does not have the SHA-256 \(item.digest.hex) that the archive signed"
          report { $0.bytes -= item.size }
          sink.replace(try await store.download(item.digest, size: item.size))
          if sink.isFinished { return .done }
        }
      case .tooLarge:
        lie = "its \(item.name) is larger than the \(item.size) bytes that the archive signed"
      case .sinkFailed(let error as StoreError) where error.code == .tooLong:
        lie = "its \(item.name) is longer than the \(item.size) bytes that the archive signed"
      case .sinkFailed(let error): throw error
      case .cancelled: throw Self.cancelled
      case .status(416) where start > 0: lie = "it refuses to resume"
      case .status(let status) where status == 408 || status == 429 || status >= 500:
        return .transient("HTTP status \(status)")
      case .status(404): return .absent("it does not have \(path)")
      case .status(let status): return .absent("HTTP status \(status) for \(path)")
      case .failed(let message), .timedOut(let message): return .transient(message)
      }
      guard let lie else { continue }
      if sink.size > 0 {
        report { $0.bytes -= sink.size }
        try sink.restart()
      }
      // Bytes of an earlier attempt may be the wrong ones: only a whole file from one mirror is its lie.
      if start == 0 { return .lie(lie) }
    }
  }

  /// The mirrors that may be asked: all, or those without a socket.
  func usableMirrors(of archive: String, for name: String) throws(ArchiveError) -> [MirrorURL] {
    let all = try mirrors.mirrors(of: archive).map(\.base)
    let usable = policy.isOffline ? all.filter(\.isLocal) : all
    guard !usable.isEmpty else {
      throw ArchiveError(
        .offline, "\(name) is not in the store; run once without --offline, while the network is there")
    }
    return usable
  }

  func pause(_ round: Int) async throws {
    do {
      try await Task.sleep(for: .milliseconds(policy.backOffMilliseconds << min(round - 1, 6)))
    } catch {
      throw Self.cancelled
    }
  }

  static var cancelled: ArchiveError {
    ArchiveError(.cancelled, "fetching was cancelled; run the same command again to go on where it stopped")
  }

  private func summary(_ item: FetchItem, _ failures: [Failure]) -> ArchiveError {
    let reasons = failures.map { "\($0.mirror): \($0.reason)" }.joined(separator: "; ")
    let onlyLies = failures.contains(where: \.isLie) && failures.allSatisfy(\.isLie)
    return ArchiveError(
      onlyLies ? .mirrorLied : .unreachable,
      "cannot fetch \(item.name) from the archive \"\(item.archive)\" (\(reasons)); try again later, or name "
        + "another mirror with --mirror \(item.archive)=URL")
  }
}

/// Feeds a partial blob. The engine's thread has it during a transfer, the fetching task before and after:
/// never both, because the task waits for the transfer's end.
private final class BlobSink: TransferSink, @unchecked Sendable {
  private var blob: PartialBlob
  private let onBytes: @Sendable (Int) -> Void

  init(_ blob: sending PartialBlob, onBytes: @escaping @Sendable (Int) -> Void) {
    self.blob = blob
    self.onBytes = onBytes
  }

  var size: Int { blob.size }
  var isFinished: Bool { blob.isFinished }

  func receive(_ bytes: UnsafeRawBufferPointer) throws {
    try blob.append(bytes)
    onBytes(bytes.count)
  }

  func replace(_ blob: sending PartialBlob) { self.blob = blob }
  func commit() throws { try blob.commit() }
  func restart() throws { try blob.restart() }
  func keep() { blob.keep() }
}
