internal import GRDB

extension SQLiteStore {
  /// Brings the tables up to date. A step that was once released is never changed; another follows it.
  static func migrate(_ queue: DatabaseQueue, path: String) throws {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("1") { database in
      try database.execute(
        sql: """
          CREATE TABLE device (
            id INTEGER PRIMARY KEY,
            uuid TEXT, serial TEXT,
            firstSeen INTEGER NOT NULL, lastSeen INTEGER NOT NULL, firmware TEXT, address TEXT,
            failures INTEGER NOT NULL, lastFailure INTEGER NOT NULL, release TEXT, handedOver INTEGER NOT NULL
          ) STRICT;
          CREATE TABLE deviceMAC (
            mac TEXT PRIMARY KEY, device INTEGER NOT NULL REFERENCES device ON DELETE CASCADE,
            position INTEGER NOT NULL
          ) STRICT, WITHOUT ROWID;
          CREATE INDEX deviceMACByDevice ON deviceMAC (device);
          CREATE TABLE deviceSettings (
            device INTEGER PRIMARY KEY REFERENCES device ON DELETE CASCADE,
            name TEXT UNIQUE, "group" TEXT, release TEXT, armed INTEGER NOT NULL
          ) STRICT;
          CREATE TABLE deviceLabel (
            device INTEGER NOT NULL REFERENCES device ON DELETE CASCADE, name TEXT NOT NULL, value TEXT NOT NULL,
            PRIMARY KEY (device, name)
          ) STRICT, WITHOUT ROWID;
          CREATE TABLE boot (
            id INTEGER PRIMARY KEY AUTOINCREMENT, device INTEGER NOT NULL REFERENCES device ON DELETE CASCADE,
            updated INTEGER NOT NULL, record TEXT NOT NULL
          ) STRICT;
          CREATE INDEX bootByDevice ON boot (device, id);
          CREATE INDEX bootByTime ON boot (updated);
          CREATE TABLE event (
            id INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, severity TEXT NOT NULL, kind TEXT NOT NULL,
            device INTEGER, message TEXT NOT NULL
          ) STRICT;
          CREATE TABLE lease (
            address TEXT PRIMARY KEY, client BLOB NOT NULL, mac TEXT, hostName TEXT NOT NULL, state TEXT NOT NULL,
            granted INTEGER NOT NULL, expires INTEGER NOT NULL
          ) STRICT, WITHOUT ROWID;
          """)
    }
    let isTooNew = try queue.read { try migrator.hasBeenSuperseded($0) }
    guard !isTooNew else {
      throw FleetError(.tooNew, "the store \(path) was written by a newer netimg: use that one")
    }
    try migrator.migrate(queue)
  }
}
