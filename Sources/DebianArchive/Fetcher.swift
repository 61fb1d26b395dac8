package import BlobStore
internal import Bytes
internal import Synchronization
internal import Transfers

/// Fetches files from mirrors into the blob store, or small ones into memory.
///
/// What is known by its digest is checked while it arrives and appears in the store whole or not at all; a
/// download that was interrupted goes on where it stopped. Mirrors are tried in order; one that fails, stalls
/// or lies costs time, never correctness.
package final class Fetcher: Sendable {
  let mirrors: MirrorConfiguration
  let store: BlobStore
  let policy: FetchPolicy
  let engine: TransferEngine
  private let onProgress: (@Sendable (FetchProgress) -> Void)?
  private let state = Mutex(State())

  private struct State {
    var progress = FetchProgress()
    var notes: Set<String> = []
  }

  /// - Parameter onProgress: called often, from any thread; it must be quick.
  /// - Throws: `localStorage` if the machine is out of memory or threads.
  package init(
    mirrors: MirrorConfiguration, store: BlobStore, policy: FetchPolicy = FetchPolicy(),
    onProgress: (@Sendable (FetchProgress) -> Void)? = nil
  ) throws(ArchiveError) {
    self.mirrors = mirrors
    self.store = store
    self.policy = policy
    self.onProgress = onProgress
    do {
      engine = try TransferEngine(policy: policy.transfer)
    } catch {
      throw ArchiveError(.localStorage, "\(error)")
    }
  }

  deinit { engine.stop() }

  /// What went wrong with mirrors although the work succeeded, such as one that lied: sorted sentences.
  package var notes: [String] { state.withLock { $0.notes.sorted() } }

  /// Puts every item into the store; those that are there already cost nothing.
  /// - Throws: the first failure (`noMirror`, `unreachable`, `mirrorLied`, `cancelled`), or a `StoreError`
  ///   when the local disk fails. What has arrived is kept for the next attempt.
  package func fetch(_ items: [FetchItem]) async throws {
    var seen: Set<SHA256Digest> = []
    let items = items.filter { seen.insert($0.digest).inserted }
    report {
      $0.totalItems += items.count
      $0.totalBytes += items.reduce(0) { $0 + $1.size }
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      var rest = items[...]
      // A few more than the engine runs: while one is hashed or renamed, another's bytes can flow.
      for item in rest.prefix(policy.parallel + 2) { group.addTask { try await self.fetch(item) } }
      rest = rest.dropFirst(policy.parallel + 2)
      while try await group.next() != nil {
        if let item = rest.popFirst() { group.addTask { try await self.fetch(item) } }
      }
    }
  }

  func note(_ sentence: String) {
    state.withLock { _ = $0.notes.insert(sentence) }
  }

  func report(_ change: (inout FetchProgress) -> Void) {
    let progress = state.withLock { state in
      change(&state.progress)
      return state.progress
    }
    onProgress?(progress)
  }
}
