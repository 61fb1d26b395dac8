internal import GRDB
internal import Manifest
internal import NetworkTypes

extension SQLiteStore: FleetStore {
  package func devices() throws -> [DeviceRecord] {
    try read { database in
      var records: [DeviceRecord] = []
      var positions: [Int64: Int] = [:]
      for row in try Row.fetchAll(database, sql: "SELECT * FROM device ORDER BY id") {
        var record = DeviceRecord(
          id: row["id"], macs: [], uuid: (row["uuid"] as String?).flatMap { MachineUUID($0) },
          serial: row["serial"])
        record.seen.first = row["firstSeen"]
        record.seen.last = row["lastSeen"]
        record.seen.firmware = row["firmware"]
        record.seen.address = row["address"]
        record.health.failures = row["failures"]
        record.health.lastFailure = row["lastFailure"]
        record.health.release = row["release"]
        record.health.handedOver = row["handedOver"]
        positions[record.id] = records.count
        records.append(record)
      }
      func update(_ row: Row, _ change: (inout DeviceRecord) -> Void) {
        if let position = positions[row["device"]] { change(&records[position]) }
      }
      for row in try Row.fetchAll(database, sql: "SELECT * FROM deviceMAC ORDER BY device, position") {
        guard let mac = MACAddress(row["mac"] as String) else { continue }
        update(row) { $0.macs.append(mac) }
      }
      for row in try Row.fetchAll(database, sql: "SELECT * FROM deviceSettings") {
        update(row) { record in
          record.settings.name = row["name"]
          record.settings.group = row["group"]
          record.settings.release = (row["release"] as String?).flatMap { ReleaseReference($0) }
          record.settings.armed = row["armed"]
        }
      }
      for row in try Row.fetchAll(database, sql: "SELECT * FROM deviceLabel ORDER BY device, name") {
        update(row) { $0.settings.labels.append(FleetLabel(name: row["name"], value: row["value"])) }
      }
      return records
    }
  }

  package func nextBootID() throws -> Int64 {
    // AUTOINCREMENT remembers numbers whose rows are gone.
    try read { database in
      try Int64.fetchOne(database, sql: "SELECT seq FROM sqlite_sequence WHERE name = 'boot'").map { $0 + 1 }
        ?? 1
    }
  }

  package func set(_ settings: DeviceSettings, of device: DeviceRecord) throws {
    try write { database in
      try Self.insert(device, database)
      if let name = settings.name,
        let other = try Int64.fetchOne(
          database, sql: "SELECT device FROM deviceSettings WHERE name = ? AND device <> ?",
          arguments: [name, device.id])
      {
        throw FleetError(
          .badValue,
          "another device is named \(name) already: netimg device show \(name) says which (number \(other))")
      }
      try database.execute(
        sql: """
          INSERT INTO deviceSettings (device, name, "group", release, armed) VALUES (?, ?, ?, ?, ?)
          ON CONFLICT (device) DO UPDATE SET name = excluded.name, "group" = excluded."group",
            release = excluded.release, armed = excluded.armed
          """,
        arguments: [device.id, settings.name, settings.group, settings.release?.description, settings.armed])
      try database.execute(sql: "DELETE FROM deviceLabel WHERE device = ?", arguments: [device.id])
      for label in settings.labels {
        try database.execute(
          sql: "INSERT INTO deviceLabel (device, name, value) VALUES (?, ?, ?)",
          arguments: [device.id, label.name, label.value])
      }
    }
  }

  package func forget(device id: Int64) throws {
    try write { database in
      try database.execute(sql: "DELETE FROM device WHERE id = ?", arguments: [id])
    }
  }

  /// Makes a device that is not there yet, with its addresses.
  static func insert(_ device: DeviceRecord, _ database: Database) throws {
    try database.cachedStatement(
      sql: """
        INSERT OR IGNORE INTO device
          (id, uuid, serial, firstSeen, lastSeen, firmware, address, failures, lastFailure, release, handedOver)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """
    ).execute(
      arguments: [
        device.id, device.uuid?.description, device.serial, device.seen.first, device.seen.last,
        device.seen.firmware, device.seen.address, device.health.failures, device.health.lastFailure,
        device.health.release, device.health.handedOver,
      ])
    try insertAddresses(of: device, database)
  }

  /// A MAC address belongs to the device that claimed it first.
  static func insertAddresses(of device: DeviceRecord, _ database: Database) throws {
    for (position, mac) in device.macs.enumerated() {
      try database.cachedStatement(
        sql: "INSERT OR IGNORE INTO deviceMAC (mac, device, position) VALUES (?, ?, ?)"
      ).execute(arguments: [mac.description, device.id, position])
    }
  }
}
