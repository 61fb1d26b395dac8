internal import FoundationEssentials
internal import GRDB
internal import Manifest
internal import NetworkTypes

extension SQLiteStore {
  package func commit(_ batch: FleetBatch) throws {
    guard !batch.isEmpty else { return }
    try write { database in
      for device in batch.newDevices { try Self.insert(device, database) }
      for device in batch.devices { try Self.update(device, database) }
      try Self.put(batch.boots, database)
      for event in batch.events {
        try database.execute(
          sql: "INSERT INTO event (at, severity, kind, device, message) VALUES (?, ?, ?, ?, ?)",
          arguments: [event.at, event.severity.rawValue, event.kind, event.device, event.message])
      }
      if !batch.events.isEmpty {
        try database.execute(
          sql: "DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - ?", arguments: [Self.eventsKept])
      }
    }
  }

  private static func update(_ device: DeviceRecord, _ database: Database) throws {
    try database.execute(
      sql: """
        UPDATE device SET uuid = ?, serial = ?, firstSeen = ?, lastSeen = ?, firmware = ?, address = ?, failures = ?,
          lastFailure = ?, release = ?, handedOver = ? WHERE id = ?
        """,
      arguments: [
        device.uuid?.description, device.serial, device.seen.first, device.seen.last, device.seen.firmware,
        device.seen.address, device.health.failures, device.health.lastFailure, device.health.release,
        device.health.handedOver, device.id,
      ])
    // Forgotten meanwhile: there is no row that the addresses could belong to.
    if database.changesCount > 0 { try insertAddresses(of: device, database) }
  }

  private static func put(_ boots: [BootRecord], _ database: Database) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    for boot in boots {
      let text = String(decoding: try encoder.encode(boot), as: UTF8.self)
      try database.execute(
        sql: """
          INSERT INTO boot (id, device, updated, record)
          SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM device WHERE id = ?)
          ON CONFLICT (id) DO UPDATE SET updated = excluded.updated, record = excluded.record
          """,
        arguments: [boot.id, boot.device, boot.updated, text, boot.device])
    }
    for device in Set(boots.map(\.device)).sorted() {
      try database.execute(
        sql: """
          DELETE FROM boot WHERE device = ?1 AND id <=
            (SELECT id FROM boot WHERE device = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
          """,
        arguments: [device, bootsKept])
    }
  }

  package func boots(of device: Int64, limit: Int) throws -> [BootRecord] {
    try read { database in
      let texts = try String.fetchAll(
        database, sql: "SELECT record FROM boot WHERE device = ? ORDER BY id DESC LIMIT ?",
        arguments: [device, limit])
      return try texts.map { try JSONDecoder().decode(BootRecord.self, from: Data($0.utf8)) }
    }
  }

  package func lastBoots(since: Int64) throws -> [BootRecord] {
    try read { database in
      let texts = try String.fetchAll(
        database,
        sql:
          "SELECT record FROM boot WHERE id IN (SELECT max(id) FROM boot GROUP BY device) AND updated >= ? ORDER BY id",
        arguments: [since])
      return try texts.map { try JSONDecoder().decode(BootRecord.self, from: Data($0.utf8)) }
    }
  }

  package func events(limit: Int) throws -> [FleetEvent] {
    try read { database in
      try Row.fetchAll(database, sql: "SELECT * FROM event ORDER BY id DESC LIMIT ?", arguments: [limit]).map
      { row in
        FleetEvent(
          at: row["at"], FleetEvent.Severity(rawValue: row["severity"]) ?? .info, kind: row["kind"],
          device: row["device"], row["message"])
      }
    }
  }
}
