package import Fleet
internal import ServerCore

extension BootExplanation {
  /// The same without a running server, from its store, its manifest and its library.
  package init(_ entry: DeviceEntry, settings: ServeSettings, store: any FleetStore) throws {
    let library = ReleaseLibrary(directory: settings.library)
    library.refresh(force: true)
    let now = BootClock.milliseconds()
    let director = BootDirector(
      settings: try settings.director(), library: library, devices: try store.devices(), nextBoot: 1,
      metrics: BootMetrics(MetricsRegistry()), clock: { now })
    // What a server would find when it opens the file.
    if let release = director.verdict(for: entry.identity, firmware: nil).release {
      for name in [release.uki, Artifacts.kernel, Artifacts.initrd] where release.artifact(name) != nil {
        _ = try? library.open(release.digest, name)
      }
    }
    try self.init(entry, director: director, store: store, now: now / 1000)
  }
}
