package import Fleet
internal import ServerCore
internal import Synchronization

extension BootDirector {
  /// Writes what was learned since the last time. If that fails, nothing is lost: it is tried again with the next.
  package func flush(to store: any FleetStore) throws {
    let (batch, taken) = state.withLock { state in
      let pending = state.pending
      state.pending = FleetBatchBuilder()
      var batch = FleetBatch()
      batch.newDevices = pending.newDevices.sorted().compactMap { state.table[$0] }
      batch.devices = pending.devices.subtracting(pending.newDevices).sorted().compactMap { state.table[$0] }
      batch.boots = pending.finished + pending.boots.sorted().compactMap { state.boots[$0] }
      batch.events = pending.events
      batch.forgotten = pending.forgotten.sorted()
      return (batch, pending)
    }
    do {
      try store.commit(batch)
    } catch {
      metrics.storeFailures.increment()
      state.withLock { state in
        state.pending.newDevices.formUnion(taken.newDevices)
        state.pending.forgotten.formUnion(taken.forgotten)
        state.pending.devices.formUnion(taken.devices)
        state.pending.boots.formUnion(taken.boots)
        state.pending.finished = taken.finished + state.pending.finished
        state.pending.events = taken.events + state.pending.events
      }
      throw error
    }
    forgetOldBoots()
  }

  /// Takes in what another process wrote: settings of devices, devices that are new or were forgotten.
  /// - Parameter isObserver: Whether somebody else boots the devices, so that the store knows better how that goes.
  package func reload(from store: any FleetStore, isObserver: Bool = false) throws {
    let stored = try store.devices()
    state.withLock { state in
      let known = Set(stored.map(\.id))
      for record in state.table.records.values
      where !known.contains(record.id) && !state.pending.newDevices.contains(record.id) {
        state.drop(record.id)
      }
      for record in stored where !state.pending.forgotten.contains(record.id) {
        var merged = isObserver ? record : state.table[record.id] ?? record
        merged.settings = record.settings
        state.table.put(merged)
      }
      state.unknown.gather(state.table, state.settings.inventory)
    }
  }

  /// Boots that nothing was heard of for an hour are the store's alone.
  private func forgetOldBoots() {
    let now = clock()
    state.withLock { state in
      // It looks at every boot while packets wait: not with every flush.
      guard abs(now - state.swept) >= 60_000 else { return }
      state.swept = now
      let old = state.boots.values.filter {
        now - $0.updated > 3_600_000 && !state.pending.boots.contains($0.device)
      }
      for boot in old {
        state.boots[boot.device] = nil
        state.fetched[boot.device] = nil
        state.covered[boot.device] = nil
        state.addresses[boot.device] = nil
      }
      let unseenSince = now / 1000 - UnknownDevices.keep
      for id in state.unknown.evict(unseenSince: unseenSince, state.table) { state.forget(id) }
    }
  }
}
