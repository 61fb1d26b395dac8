import BlobStore
import Bytes
import FoundationEssentials
import Synchronization
import TestSupport
import Testing

@testable import DebianArchive

/// The real fetcher against real sockets and a server that misbehaves.
@Suite struct FetcherTests {
  private static let content: [UInt8] = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }

  private func item(_ content: [UInt8] = content, path: String = "pool/a.deb") -> FetchItem {
    FetchItem(
      name: "a.deb", archive: "debian", paths: [path], size: content.count, digest: SHA256.digest(of: content)
    )
  }

  private func mirrors(_ servers: LoopbackServer...) throws -> MirrorConfiguration {
    MirrorConfiguration(sources: [
      try servers.map { try MirrorConfiguration.parse("debian=\($0.address)/m", origin: "test") }
    ])
  }

  private static var patient: FetchPolicy {
    var policy = FetchPolicy()
    policy.backOffMilliseconds = 1
    policy.stallTimeout = 1
    policy.connectTimeout = 5
    return policy
  }

  private func withStore<Result>(_ body: (BlobStore) async throws -> Result) async throws -> Result {
    try await withScratchDirectory { try await body(try BlobStore(root: $0.path + "/store")) }
  }

  private func fetchError(_ fetcher: Fetcher, _ items: [FetchItem]) async throws -> ArchiveError {
    try #require(await #expect(throws: ArchiveError.self) { try await fetcher.fetch(items) })
  }

  @Test func manyFilesArriveInParallelAndOnlyOnce() async throws {
    let files = (0..<40).map { index in Array("file \(index)".utf8) + Self.content.prefix(index * 1000) }
    let items = files.enumerated().map { item($1, path: "pool/\($0)+~.deb") }
    try await withStore { store in
      try await withServer({ request in
        let number = request.path.split(separator: "/").last?.split(separator: "+").first.flatMap { Int($0) }
        return number.map { .file(files[$0]) } ?? .status(404)
      }) { server in
        let last = Mutex(FetchProgress())
        let fetcher = try Fetcher(mirrors: try mirrors(server), store: store) { progress in
          last.withLock { $0 = progress.items > $0.items ? progress : $0 }
        }
        try await fetcher.fetch(items + items)
        for (item, file) in zip(items, files) { #expect(try store.read(item.digest) == file) }
        #expect(server.requests.count == 40)
        let progress = last.withLock { $0 }
        #expect(progress.items == 40)
        #expect(progress.totalBytes == files.reduce(0) { $0 + $1.count })
        #expect(progress.bytes == progress.totalBytes)
        try await fetcher.fetch(items)
        #expect(server.requests.count == 40)
        #expect(fetcher.notes.isEmpty)
      }
    }
  }

  @Test(arguments: [true, false])
  func aBrokenConnectionIsResumed(serverHonoursRange: Bool) async throws {
    let content = Self.content
    try await withStore { store in
      try await withServer({ request in
        guard request.rangeStart != nil else { return .truncated(content, after: 100_000) }
        return serverHonoursRange ? .file(content) : .wholeFile(content)
      }) { server in
        let fetcher = try Fetcher(mirrors: try mirrors(server), store: store, policy: Self.patient)
        try await fetcher.fetch([item()])
        #expect(try store.read(item().digest) == content)
        #expect(server.requests.map(\.rangeStart) == [nil, 100_000])
      }
    }
  }

  @Test func whatAnEarlierRunLeftIsResumed() async throws {
    let content = Self.content
    try await withStore { store in
      let partial: PartialBlob = try await store.download(item().digest, size: content.count)
      try partial.append(Array(content[..<123_456]))
      partial.keep()
      try await withServer({ _ in .file(content) }) { server in
        try await Fetcher(mirrors: try mirrors(server), store: store).fetch([item()])
        #expect(server.requests.map(\.rangeStart) == [123_456])
      }
    }
  }

  /// Wrong bytes of an earlier run are not this mirror's lie.
  @Test func aSpoiledPartialFileIsDroppedWithoutBlame() async throws {
    let content = Self.content
    try await withStore { store in
      let partial: PartialBlob = try await store.download(item().digest, size: content.count)
      try partial.append([UInt8](repeating: 0, count: 1000))
      partial.keep()
      try await withServer({ _ in .file(content) }) { server in
        let fetcher = try Fetcher(mirrors: try mirrors(server), store: store, policy: Self.patient)
        try await fetcher.fetch([item()])
        #expect(server.requests.map(\.rangeStart) == [1000, nil])
        #expect(fetcher.notes.isEmpty)
      }
    }
  }

  @Test func aStalledMirrorIsLeftForTheNext() async throws {
    let content = Self.content
    try await withStore { store in
      try await withServer({ _ in .stalled(content, after: 50_000) }) { slow in
        try await withServer({ _ in .file(content) }) { quick in
          try await Fetcher(mirrors: try mirrors(slow, quick), store: store, policy: Self.patient).fetch([
            item()
          ])
          // Nothing is fetched twice.
          #expect(quick.requests.map(\.rangeStart) == [50_000])
        }
      }
    }
  }

  @Test(arguments: [404, 403, 410, 500, 503, 429])
  func aMirrorWithoutTheFileIsLeftForTheNext(status: Int) async throws {
    let content = Self.content
    try await withStore { store in
      try await withServer({ _ in .status(status) }) { empty in
        try await withServer({ _ in .file(content) }) { full in
          try await Fetcher(mirrors: try mirrors(empty, full), store: store, policy: Self.patient).fetch([
            item()
          ])
          #expect(empty.requests.count == 1)
        }
      }
    }
  }

  /// Flipped, longer, shorter-and-complete: the mirror that lies is named, the next one asked.
  @Test(arguments: ["flip", "long", "longer-than-announced"])
  func aLyingMirrorIsNamedAndLeft(lie: String) async throws {
    let content = Self.content
    var wrong = content
    switch lie {
    case "flip": wrong[200_000] ^= 1
    default: wrong += [1]
    }
    let reply: LoopbackServer.Reply =
      lie == "longer-than-announced" ? .endless(limit: 1 << 22) : .wholeFile(wrong)
    try await withStore { store in
      try await withServer({ _ in reply }) { liar in
        try await withServer({ _ in .file(content) }) { honest in
          let fetcher = try Fetcher(mirrors: try mirrors(liar, honest), store: store, policy: Self.patient)
          try await fetcher.fetch([item()])
          #expect(try store.read(item().digest) == content)
          #expect(fetcher.notes.count == 1)
          #expect(fetcher.notes.first?.hasPrefix("\(liar.address)/m: its a.deb ") == true)
          // Nothing of the lie was kept.
          #expect(honest.requests.map(\.rangeStart) == [nil])
        }
        let alone = try Fetcher(
          mirrors: try mirrors(liar), store: try otherStore(store), policy: Self.patient)
        let error = try await fetchError(alone, [item()])
        #expect(error.code == .mirrorLied)
        #expect(error.description.contains("\(liar.address)/m: its a.deb "))
      }
    }
  }

  private func otherStore(_ store: BlobStore) throws -> BlobStore {
    try BlobStore(root: store.root + "-other")
  }

  @Test func nothingStandsUnderTheFinalNameAfterAFailure() async throws {
    let content = Self.content
    try await withStore { store in
      try await withServer({ request in
        .truncated(content, after: max(0, 90_000 - (request.rangeStart ?? 0)))
      }) { server in
        let fetcher = try Fetcher(mirrors: try mirrors(server), store: store, policy: Self.patient)
        let error = try await fetchError(fetcher, [item()])
        #expect(error.code == .unreachable)
        #expect(!store.contains(item().digest))
        let left: PartialBlob = try await store.download(item().digest, size: content.count)
        #expect(left.size == 90_000)
      }
    }
  }

  @Test func everyMirrorsReasonIsInTheError() async throws {
    let content = Self.content
    try await withStore { store in
      try await withServer({ _ in .status(404) }) { one in
        try await withServer({ _ in .truncated(content, after: 10) }) { two in
          let fetcher = try Fetcher(mirrors: try mirrors(one, two), store: store, policy: Self.patient)
          let text = try await fetchError(fetcher, [item()]).description
          #expect(text.contains("\(one.address)/m: it does not have pool/a.deb"))
          #expect(text.contains("\(two.address)/m: "))
          #expect(text.contains("--mirror debian=URL"))
        }
      }
    }
  }

  @Test func redirectionsAreFollowedButNotForever() async throws {
    let content = Self.content
    try await withStore { store in
      try await withServer({ request in
        request.path.hasPrefix("/m/") ? .redirect(to: "/elsewhere") : .file(content)
      }) { server in
        try await Fetcher(mirrors: try mirrors(server), store: store).fetch([item()])
      }
      let other = try otherStore(store)
      try await withServer({ _ in .redirect(to: "/m/again") }) { server in
        let fetcher = try Fetcher(mirrors: try mirrors(server), store: other, policy: Self.patient)
        #expect(try await fetchError(fetcher, [item()]).code == .unreachable)
        #expect(server.requests.count <= 3 * 6)
      }
      // Out of http: never.
      try await withServer({ _ in .redirect(to: "file:///etc/hostname") }) { server in
        let fetcher = try Fetcher(mirrors: try mirrors(server), store: other, policy: Self.patient)
        #expect(try await fetchError(fetcher, [item()]).code == .unreachable)
      }
    }
  }

  @Test func fileMirrorsNeedNoServerAndWorkOffline() async throws {
    let content = Self.content
    try await withScratchDirectory { directory in
      let store = try BlobStore(root: directory.path + "/store")
      try FileManager.default.createDirectory(
        atPath: directory.path + "/m/pool", withIntermediateDirectories: true)
      try Data(content).write(to: directory.appendingPathComponent("m/pool/a.deb"))
      let mirror = try MirrorConfiguration.parse("debian=file://\(directory.path)/m", origin: "test")
      var policy = Self.patient
      policy.isOffline = true
      let fetcher = try Fetcher(
        mirrors: MirrorConfiguration(sources: [[mirror]]), store: store, policy: policy)
      try await fetcher.fetch([item()])
      #expect(try store.read(item().digest) == content)
      let missing = FetchItem(
        name: "b.deb", archive: "debian", paths: ["pool/b.deb"], size: 1, digest: SHA256.digest(of: [1]))
      #expect(try await fetchError(fetcher, [missing]).description.contains("it does not have pool/b.deb"))
    }
  }

  @Test func offlineNoServerIsAsked() async throws {
    try await withStore { store in
      try await withServer({ _ in .status(404) }) { server in
        var policy = Self.patient
        policy.isOffline = true
        let fetcher = try Fetcher(mirrors: try mirrors(server), store: store, policy: policy)
        #expect(try await fetchError(fetcher, [item()]).code == .offline)
        #expect(server.requests.isEmpty)
      }
    }
  }

  @Test func cancellingEndsATransferAndKeepsWhatArrived() async throws {
    let content = Self.content
    try await withStore { store in
      try await withServer({ _ in .stalled(content, after: 50_000) }) { server in
        var policy = Self.patient
        policy.stallTimeout = 600
        let arrived = Atomic(0)
        let fetcher = try Fetcher(mirrors: try mirrors(server), store: store, policy: policy) { progress in
          arrived.store(progress.bytes, ordering: .relaxed)
        }
        let task = Task { try await fetcher.fetch([item()]) }
        while arrived.load(ordering: .relaxed) < 50_000 { try await Task.sleep(for: .milliseconds(2)) }
        task.cancel()
        let error = await #expect(throws: ArchiveError.self) { try await task.value }
        #expect(error?.code == .cancelled)
        let left: PartialBlob = try await store.download(item().digest, size: content.count)
        #expect(left.size == 50_000)
      }
    }
  }

  @Test(.enabled(if: SmallDisk.isAvailable, "root and the right to mount a tmpfs are needed"))
  func aFullDiskIsOneSentenceAndLeavesNothingHalf() async throws {
    let content = [UInt8](repeating: 7, count: 4 << 20)
    let large = item(content)
    try await withScratchDirectory { directory in
      try await SmallDisk.with(at: directory.path + "/disk", bytes: 1 << 20) { path in
        let store = try BlobStore(root: path + "/store")
        try await withServer({ _ in .file(content) }) { server in
          let fetcher = try Fetcher(mirrors: try mirrors(server), store: store, policy: Self.patient)
          let error = await #expect(throws: StoreError.self) { try await fetcher.fetch([large]) }
          #expect(error?.code == .noSpace)
          #expect(error?.description.contains("\n") == false)
          // The mirror is not to blame: it is asked once.
          #expect(server.requests.count == 1)
        }
        #expect(!store.contains(large.digest))
        let left: PartialBlob = try await store.download(large.digest, size: content.count)
        #expect(left.size > 0 && left.size < content.count)
      }
    }
  }

  @Test func unsafePathsNeverReachAMirror() async throws {
    try await withStore { store in
      try await withServer({ _ in .status(404) }) { server in
        let fetcher = try Fetcher(mirrors: try mirrors(server), store: store, policy: Self.patient)
        for path in ["../x", "/x", "a/../../b", "a//b", "", "a\u{0}b"] {
          #expect(try await fetchError(fetcher, [item(path: path)]).code == .malformedIndex)
        }
        #expect(server.requests.isEmpty)
      }
    }
  }

  @Test func smallFilesHaveALimit() async throws {
    try await withStore { store in
      try await withServer({ request in
        switch request.path {
        case "/m/endless": .endless(limit: 1 << 24)
        case "/m/announced": .wholeFile([UInt8](repeating: 0, count: 70_000))
        default: .file(Array("hello".utf8))
        }
      }) { server in
        let fetcher = try Fetcher(mirrors: try mirrors(server), store: store, policy: Self.patient)
        let mirror = try #require(MirrorURL(server.address + "/m"))
        #expect(try await fetcher.fetchSmall("small", from: mirror, limit: 5) == Array("hello".utf8))
        for path in ["endless", "announced"] {
          let error = await #expect(throws: ArchiveError.self) {
            try await fetcher.fetchSmall(path, from: mirror, limit: 65_536)
          }
          #expect(error?.code == .tooLarge)
        }
      }
    }
  }
}
