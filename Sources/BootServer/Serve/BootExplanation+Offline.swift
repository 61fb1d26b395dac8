internal import Channels
package import Fleet
internal import FoundationEssentials
internal import Glibc
internal import Manifest
internal import ServerCore
internal import UpdateFramework

extension ChannelTable {
  /// What a server last trusted, read beside it from copies, every check made anew.
  init(recalled repository: RepositorySettings, state: String, library: ReleaseLibrary) async {
    let manager = FileManager.default
    let copy = manager.temporaryDirectory.appendingPathComponent(
      "netimg-trust-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    ).path
    defer { try? manager.removeItem(atPath: copy) }
    do {
      try manager.createDirectory(atPath: copy, withIntermediateDirectories: true)
      let trust = StateDirectory.trust(state, isBootApart: StateDirectory.isBootApart(state))
      for name in try manager.contentsOfDirectory(atPath: trust) where name.hasSuffix(".json") {
        try manager.copyItem(atPath: "\(trust)/\(name)", toPath: "\(copy)/\(name)")
      }
      let local = LocalMetadata(directory: copy)
      let client = try ChannelClient(
        trust: local, fetcher: LastTrusted(local), url: ChannelClient.address(of: repository.from))
      self.init(
        try await client.survey(), source: repository.from, library: library,
        verdicts: GateVerdicts(state: state))
    } catch {
      self.init(source: repository.from, problem: "what the server trusted last does not count: \(error)")
    }
  }
}

extension BootExplanation {
  /// The same without a running server, from its store, its manifest and its library.
  package init(_ entry: DeviceEntry, settings: ServeSettings, store: any FleetStore) async throws {
    let library = ReleaseLibrary(directory: settings.library)
    library.refresh(force: true)
    let now = BootClock.milliseconds()
    let director = BootDirector(
      settings: try settings.director(), library: library, devices: try store.devices(), nextBoot: 1,
      metrics: BootMetrics(MetricsRegistry()), clock: { now })
    if let repository = settings.manifest.repository {
      director.follow(await ChannelTable(recalled: repository, state: settings.state, library: library))
    }
    // What a server would find when it opens the file.
    if let release = director.verdict(for: entry.identity, firmware: nil).release {
      for name in [release.uki, Artifacts.kernel, Artifacts.initrd] where release.artifact(name) != nil {
        _ = try? library.open(release.digest, name)
      }
    }
    try self.init(entry, director: director, store: store, now: now / 1000)
  }
}
