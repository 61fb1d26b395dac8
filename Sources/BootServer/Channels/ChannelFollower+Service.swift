internal import Bytes
internal import Channels
internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import Manifest
internal import ServiceLifecycle
internal import Signing
internal import UpdateFramework

extension ChannelFollower: Service {
  /// What shows that somebody changed a repository's directory, or what was imported from it; or, for who only reads, that a
  /// release was brought, or found good.
  private struct Look: Equatable {
    let times: [FileTimes?]
    /// Releases that channels name, and the library lacks or has with a damaged file.
    let lacking: [SHA256Digest]

    init(_ follower: ChannelFollower) {
      lacking = follower.current.filter { !follower.director.library.has($0) }
      var paths: [String?] = []
      switch follower.source {
      case .repository where !follower.settings.isLocal: break
      case .repository:
        let path = follower.settings.from
        paths = ["\(path)/metadata/timestamp.json", "\(path)/metadata", follower.settings.proposals]
      case .handedOver(let path):
        paths = [
          "\(path)/metadata/timestamp.json",
          "\(follower.director.library.directory)/\(ReleaseLibrary.folder)",
          follower.verdicts.path,
        ]
      }
      times = paths.map { path in path.flatMap { FileTimes($0) } }
    }
  }

  /// Whether what is followed is a directory of this host.
  private var isAtHand: Bool { settings.isLocal || isReader }

  /// The releases that channels name, each once.
  private var current: [SHA256Digest] {
    Set(director.channels?.channels.values.flatMap { $0.entries.map(\.release) } ?? []).sorted()
  }

  /// What was trusted before this process began, without asking anybody.
  func recall() async {
    guard let timestamp = trust.trusted("timestamp", limit: 64 << 10), !timestamp.isEmpty else { return }
    await refresh(LastTrusted(trust))
  }

  /// The first look, before anything is served: a directory is at hand, an address may not answer.
  func begin() async {
    await recall()
    // What is current is looked at before anybody is told of it, so that it is repaired first; not for long, since
    // every file is looked at before it is served.
    let deadline = ContinuousClock.now + .milliseconds(500)
    for release in current { director.library.check(release, until: deadline) }
    if isAtHand, let fetcher = try? HTTPFetcher() {
      await tend()
      await refresh(fetcher)
    }
  }

  package func run() async throws {
    var look = Look(self)
    var last: ContinuousClock.Instant?
    while !Task.isCancelled, !Task.isShuttingDownGracefully {
      let now = ContinuousClock.now
      let isDue = last.map { now - $0 >= .seconds(settings.interval) } ?? !isAtHand
      let seen = Look(self)
      if isDue || seen != look || last == nil {
        look = seen
        last = now
        await tend()
        do {
          try await withBound(HTTPFetcher()) { await self.refresh($0) }
        } catch {
          logger.error("\(error)")
        }
      }
      try? await Task.sleep(for: Self.glance)
    }
  }

  /// A graceful stop does not wait for a repository that stalls.
  private func withBound(_ fetcher: HTTPFetcher, _ body: @escaping @Sendable (HTTPFetcher) async -> Void)
    async
  {
    await withTaskGroup(of: Bool.self) { group in
      group.addTask {
        await body(fetcher)
        return true
      }
      group.addTask {
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
          try? await Task.sleep(for: .milliseconds(100))
        }
        return false
      }
      _ = await group.next()
      group.cancelAll()
    }
  }
}
