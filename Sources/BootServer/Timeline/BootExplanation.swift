package import Fleet

/// What a device boots, why, and what became of its last boot: `netimg explain boot`.
package struct BootExplanation: Encodable, Sendable {
  package let device: String
  /// One sentence: what happens when it asks now.
  package let verdict: String
  /// How that is decided, a sentence a step.
  package let steps: [String]
  /// One sentence: how its last boot went.
  package let lastBoot: String
  package let boot: BootView?

  /// - Parameter now: Seconds since 1970.
  package init(_ entry: DeviceEntry, director: BootDirector, store: any FleetStore, now: Int64) throws {
    let last = try entry.record.flatMap { try store.boots(of: $0.id, limit: 1).first }
    let firmware = entry.record?.seen.firmware.flatMap { BootFirmware(description: $0) }
    let verdict = director.verdict(for: entry.identity, firmware: firmware)
    device = verdict.assignment.name
    self.verdict = verdict.reason + "."
    steps = verdict.steps
    var sentence = BootDiagnosis.sentence(last, now: now * 1000)
    if last == nil || last?.state == .refused,
      let event = try store.events(limit: 200).first(where: { Self.concernsEverybody($0, now: now * 1000) })
    {
      sentence += " This server says: \(event.message)."
    }
    lastBoot = sentence
    boot = last.map { BootView($0) }
  }

  /// What may keep a device from being heard of at all, in the last hour.
  private static func concernsEverybody(_ event: FleetEvent, now: Int64) -> Bool {
    ["dropped", "exhausted", "lease-store", "interface"].contains(event.kind) && now - event.at < 3_600_000
  }
}
