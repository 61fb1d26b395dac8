internal import FoundationEssentials
internal import GRDB
internal import Manifest
internal import NetworkTypes

extension SQLiteStore {
  /// Leases are waiting for the same file: a transaction writes no more records than that.
  private static let piece = 200

  /// In pieces of one transaction each, the devices first, and of these those that go; if the process dies, the first of them are there.
  package func commit(_ batch: FleetBatch) throws {
    for devices in Self.pieces(batch.forgotten) {
      try writeSoon { database in
        for id in devices {
          try database.cachedStatement(sql: "DELETE FROM device WHERE id = ?").execute(arguments: [id])
        }
      }
    }
    for devices in Self.pieces(batch.newDevices) {
      try writeSoon { database in for device in devices { try Self.insert(device, database) } }
    }
    for devices in Self.pieces(batch.devices) {
      try writeSoon { database in for device in devices { try Self.update(device, database) } }
    }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    for boots in Self.pieces(batch.boots) {
      let texts = try boots.map { String(decoding: try encoder.encode($0), as: UTF8.self) }
      try writeSoon { try Self.put(zip(boots, texts), $0) }
    }
    // In one piece: written again, they would be there twice.
    if !batch.events.isEmpty {
      try writeSoon { database in
        let insert = try database.cachedStatement(
          sql: "INSERT INTO event (at, severity, kind, device, message) VALUES (?, ?, ?, ?, ?)")
        for event in batch.events {
          try insert.execute(arguments: [
            event.at, event.severity.rawValue, event.kind, event.device, event.message,
          ])
        }
        try database.execute(
          sql: "DELETE FROM event WHERE id <= (SELECT max(id) FROM event) - ?", arguments: [Self.eventsKept])
      }
    }
  }

  private static func pieces<Record>(_ records: [Record]) -> [ArraySlice<Record>] {
    stride(from: 0, to: records.count, by: piece).map { records[$0..<min($0 + piece, records.count)] }
  }

  private static func update(_ device: DeviceRecord, _ database: Database) throws {
    try database.cachedStatement(
      sql: """
        UPDATE device SET uuid = ?, serial = ?, firstSeen = ?, lastSeen = ?, firmware = ?, address = ?, failures = ?,
          lastFailure = ?, release = ?, handedOver = ? WHERE id = ?
        """
    ).execute(
      arguments: [
        device.uuid?.description, device.serial, device.seen.first, device.seen.last, device.seen.firmware,
        device.seen.address, device.health.failures, device.health.lastFailure, device.health.release,
        device.health.handedOver, device.id,
      ])
    // Forgotten meanwhile: there is no row that the addresses could belong to.
    if database.changesCount > 0 { try insertAddresses(of: device, database) }
  }

  private static func put(_ boots: some Sequence<(BootRecord, String)>, _ database: Database) throws {
    let insert = try database.cachedStatement(
      sql: """
        INSERT INTO boot (id, device, updated, record)
        SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM device WHERE id = ?)
        ON CONFLICT (id) DO UPDATE SET updated = excluded.updated, record = excluded.record
        """)
    let trim = try database.cachedStatement(
      sql: """
        DELETE FROM boot WHERE device = ?1 AND id <=
          (SELECT id FROM boot WHERE device = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)
        """)
    for (boot, text) in boots {
      try insert.execute(arguments: [boot.id, boot.device, boot.updated, text, boot.device])
      try trim.execute(arguments: [boot.device, bootsKept])
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
