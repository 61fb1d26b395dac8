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
    lastBoot = BootDiagnosis.sentence(last, now: now * 1000)
    boot = last.map { BootView($0) }
  }
}
