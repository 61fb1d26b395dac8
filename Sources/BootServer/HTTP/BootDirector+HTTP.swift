package import BootTypes
internal import Fleet
package import NetworkTypes
package import ServerCore
internal import Synchronization

/// What HTTP tells.
extension BootDirector {
  /// A request for a file that can be had.
  /// - Parameter peer: Who asks. Anybody can; the boot is that of the device alone, where its address is known.
  package func noteHTTPStart(
    _ name: String, _ device: DeviceIdentity, isHead: Bool, peer: IPAddress? = nil
  ) {
    guard isAddress(peer, of: device) else { return }
    add(BootEvent(at: clock(), isHead ? .probed : .transfer, name, transport: "http"), to: device) { boot in
      if !isHead { boot.begin(name) }
    }
  }

  private func isAddress(_ peer: IPAddress?, of device: DeviceIdentity) -> Bool {
    state.withLock { state in
      state.table.find(device).map { state.isAddress(peer, of: $0.id) } ?? true
    }
  }

  /// What became of the transfer of a part of a file.
  package func noteHTTPEnd(
    _ name: String, _ part: Range<Int>, of file: ArtifactFile, _ device: DeviceIdentity?,
    _ delivery: HTTPDelivery, peer: IPAddress? = nil
  ) {
    metrics.bytes.increment("http", by: delivery.bytes)
    metrics.transfers.increment(delivery.isComplete ? "http fetched" : "http aborted")
    guard let device, isAddress(peer, of: device) else { return }
    let isWhole = cover(name, part.lowerBound..<part.lowerBound + delivery.bytes, of: device) >= file.size
    var event = BootEvent(
      at: clock(), delivery.isComplete ? .fetched : .aborted, name, transport: "http", bytes: delivery.bytes,
      milliseconds: delivery.milliseconds)
    if part.count < file.size { event.detail += " (bytes \(part.lowerBound) to \(part.upperBound - 1))" }
    if !delivery.isComplete, !file.isUnchanged() {
      event.detail += ": cut off, because the file was written to"
    }
    // The end of a file makes it whole if what is before it was fetched too: so a broken transfer is taken up again.
    if delivery.isComplete, isWhole {
      noteFetched(name, event, device, peer: peer)
    } else {
      add(event, to: device)
    }
  }

  /// How much of a file the device has got from the beginning on, with that part.
  private func cover(_ name: String, _ part: Range<Int>, of device: DeviceIdentity) -> Int {
    state.withLock { state in
      guard let id = state.table.find(device)?.id else { return 0 }
      let before = state.covered[id]?[name] ?? 0
      guard part.lowerBound <= before, part.upperBound > before else { return before }
      state.covered[id, default: [:]][name] = part.upperBound
      return part.upperBound
    }
  }

  /// A script or a program of iPXE's.
  package func noteHTTPBytes(_ name: String, _ count: Int, _ device: DeviceIdentity, peer: IPAddress? = nil) {
    metrics.bytes.increment("http", by: count)
    metrics.transfers.increment("http fetched")
    guard isAddress(peer, of: device) else { return }
    let isScript = name == BootName.scriptName
    add(
      BootEvent(
        at: clock(), isScript ? .script : .fetched, name, transport: "http", bytes: isScript ? nil : count),
      to: device
    ) { $0.begin(name) }
  }

  package func noteHTTPFailure(_ name: String, _ reason: String, _ device: DeviceIdentity?, status: Int) {
    metrics.transfers.increment(status == 404 ? "http refused" : "http damaged")
    guard let device else { return }
    add(BootEvent(at: clock(), .notFound, "\(name): \(reason)", transport: "http"), to: device)
  }
}
