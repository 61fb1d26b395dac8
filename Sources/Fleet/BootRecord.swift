/// One boot of one device, from its first question to what became of it.
package struct BootRecord: Sendable, Hashable, Codable {
  /// The store's number for it; later ones are greater.
  package let id: Int64
  /// The device's number in the store.
  package let device: Int64
  /// Milliseconds since 1970.
  package let started: Int64
  package var updated: Int64
  /// The firmware, such as `uefi-x64 by HTTP`, of the first question.
  package var firmware: String
  /// The release that it was told to boot, by its digest.
  package var release: String?
  package var state: State
  /// What happened, in order; at most ``maximumEvents``.
  package var events: [BootEvent]
  /// Events beyond that many, which were counted and left out.
  package var omitted: Int

  /// How far it came.
  package enum State: String, Sendable, Hashable, Codable, CaseIterable {
    /// It asked, and was told to go elsewhere or nothing at all.
    case refused
    /// It asked and was answered.
    case offered
    /// It fetched something, but not yet all that it boots.
    case loading
    /// It fetched all that it boots.
    case handedOver
    /// It asked again too soon after: that boot did not come up.
    case failed
    /// It said that it is well.
    case healthy
  }

  package static let maximumEvents = 200

  package init(id: Int64, device: Int64, started: Int64, firmware: String) {
    self.id = id
    self.device = device
    self.started = started
    self.firmware = firmware
    updated = started
    state = .refused
    events = []
    omitted = 0
  }

  /// Adds an event; one like the last is only counted.
  package mutating func add(_ event: BootEvent) {
    updated = max(updated, event.at)
    if let last = events.last, last.isRepeated(by: event) {
      events[events.count - 1].count += 1
      events[events.count - 1].until = event.at
      return
    }
    guard events.count < Self.maximumEvents else {
      omitted += 1
      return
    }
    events.append(event)
  }
}

/// Something that happened during a boot.
package struct BootEvent: Sendable, Hashable, Codable {
  package enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// It asked by DHCP, and for what.
    case discover, request, binl
    /// It was told what to load, or that it should ask on port 4011.
    case offer
    /// It got no answer, or was sent to its disk.
    case refused
    /// It was lent an address.
    case leased
    /// It took the address of another server.
    case otherServer
    /// Another server offered it a boot file.
    case competitor
    /// It began to fetch a file, and what became of that.
    case transfer, fetched, aborted
    /// It asked how long a file is, and no more.
    case probed
    /// It got an iPXE script.
    case script
    /// It asked for a file that there is not, or that it may not have.
    case notFound
  }

  /// Milliseconds since 1970.
  package var at: Int64
  package var kind: Kind
  /// For people: the file, the answer, the reason.
  package var detail: String
  /// The protocol of a transfer: `tftp`, `http`.
  package var transport: String?
  /// Of a transfer: bytes delivered, its milliseconds, and what was sent again.
  package var bytes: Int?
  package var milliseconds: Int?
  package var retries: Int?
  /// How often it happened in a row, and when last.
  package var count = 1
  package var until: Int64?

  package init(
    at: Int64, _ kind: Kind, _ detail: String, transport: String? = nil, bytes: Int? = nil,
    milliseconds: Int? = nil, retries: Int? = nil
  ) {
    self.at = at
    self.kind = kind
    self.detail = detail
    self.transport = transport
    self.bytes = bytes
    self.milliseconds = milliseconds
    self.retries = retries
  }

  /// Bytes a second of a transfer; `nil` if it took no time that was measured.
  package var rate: Int? {
    guard let bytes, let milliseconds, milliseconds > 0 else { return nil }
    return Int(Double(bytes) * 1000 / Double(milliseconds))
  }

  func isRepeated(by other: BootEvent) -> Bool {
    kind == other.kind && detail == other.detail && transport == other.transport && bytes == nil
      && other.bytes == nil
  }
}

/// Something that an operator may want to know, of one device or of none.
package struct FleetEvent: Sendable, Hashable {
  package enum Severity: String, Sendable, Hashable, CaseIterable {
    case info, warning, error
  }
  /// Milliseconds since 1970.
  package var at: Int64
  package var severity: Severity
  /// A stable word, such as `competitor`.
  package var kind: String
  package var device: Int64?
  package var message: String

  package init(at: Int64, _ severity: Severity, kind: String, device: Int64? = nil, _ message: String) {
    self.at = at
    self.severity = severity
    self.kind = kind
    self.device = device
    self.message = message
  }
}
