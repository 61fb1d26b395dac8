package import BootTypes
internal import Fleet
package import ServerCore

/// What HTTP tells.
extension BootDirector {
  /// A request for a file that can be had.
  package func noteHTTPStart(_ name: String, _ device: DeviceIdentity, isHead: Bool) {
    add(BootEvent(at: clock(), isHead ? .probed : .transfer, name, transport: "http"), to: device) { boot in
      if !isHead, boot.state == .offered || boot.state == .refused { boot.state = .loading }
    }
  }

  /// What became of the transfer of a part of a file.
  package func noteHTTPEnd(
    _ name: String, _ part: Range<Int>, of file: ArtifactFile, _ device: DeviceIdentity?,
    _ delivery: HTTPDelivery
  ) {
    metrics.bytes.increment("http", by: delivery.bytes)
    metrics.transfers.increment(delivery.isComplete ? "http fetched" : "http aborted")
    guard let device else { return }
    let isEnd = part.upperBound == file.size
    var event = BootEvent(
      at: clock(), delivery.isComplete ? .fetched : .aborted, name, transport: "http", bytes: delivery.bytes,
      milliseconds: delivery.milliseconds)
    if part.count < file.size { event.detail += " (bytes \(part.lowerBound) to \(part.upperBound - 1))" }
    if !delivery.isComplete, !file.isUnchanged() {
      event.detail += ": cut off, because the file was written to"
    }
    // Whoever has the last bytes of a file has the others: that is how a broken transfer is taken up again.
    if delivery.isComplete, isEnd { noteFetched(name, event, device) } else { add(event, to: device) }
  }

  /// A script or a program of iPXE's.
  package func noteHTTPBytes(_ name: String, _ count: Int, _ device: DeviceIdentity) {
    metrics.bytes.increment("http", by: count)
    metrics.transfers.increment("http fetched")
    let isScript = name == BootName.scriptName
    add(
      BootEvent(
        at: clock(), isScript ? .script : .fetched, name, transport: "http", bytes: isScript ? nil : count),
      to: device
    ) { boot in
      if boot.state == .offered || boot.state == .refused { boot.state = .loading }
    }
  }

  package func noteHTTPFailure(_ name: String, _ reason: String, _ device: DeviceIdentity?, status: Int) {
    metrics.transfers.increment(status == 404 ? "http refused" : "http damaged")
    guard let device else { return }
    add(BootEvent(at: clock(), .notFound, "\(name): \(reason)", transport: "http"), to: device)
  }
}
