internal import GRDB

/// The store in one SQLite file: write-ahead log, every commit on disk before it returns.
package final class SQLiteStore: Sendable {
  /// The one connection that writes.
  let queue: DatabaseQueue
  /// Long reads go by another, which never keeps a lease waiting.
  private let reader: DatabaseQueue

  /// Opens the store at `path`, or makes it. Several processes may have it open, also under several accounts if the
  /// directory is their common group's to write.
  /// - Throws: ``FleetError`` `.store` or `.tooNew`.
  package init(path: String) throws {
    // Two that make it at the same time would both make its tables.
    let gate = OpeningGate(path: path)
    defer { gate.open() }
    var configuration = Configuration()
    configuration.journalMode = .wal
    // A command that changes a setting waits for the server's short writes, and the other way round.
    configuration.busyMode = .timeout(10)
    do {
      queue = try DatabaseQueue(path: path, configuration: configuration)
      try queue.inDatabase { database in
        // No lease waits for the log to be emptied, unless nobody calls `tidy` for long.
        try database.execute(sql: "PRAGMA wal_autocheckpoint = 65536")
      }
      try Self.migrate(queue, path: path)
      var reading = Configuration()
      reading.busyMode = .timeout(10)
      reading.readonly = true
      reader = try DatabaseQueue(path: path, configuration: reading)
    } catch let error as FleetError {
      throw error
    } catch {
      throw FleetError(
        .store,
        "cannot open the store \(path): \(Self.reason(error)); is its directory there and yours to write?")
    }
  }

  /// One transaction that is on the disk when this returns: an acknowledged lease survives a power failure too.
  func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try transaction("FULL", body)
  }

  /// One transaction that may be lost when the power fails, but not when the process dies: it waits for no disk. It is
  /// on the disk with the next of the others.
  func writeSoon<Value>(_ body: (Database) throws -> Value) throws -> Value {
    try transaction("NORMAL", body)
  }

  private func transaction<Value>(_ synchronous: String, _ body: (Database) throws -> Value) throws -> Value {
    do {
      return try queue.inDatabase { database in
        // Said every time: GRDB has a mind of its own when it opens a write-ahead log.
        try database.execute(sql: "PRAGMA synchronous = \(synchronous)")
        var value: Value?
        try database.inTransaction(.immediate) {
          value = try body(database)
          return .commit
        }
        guard let value else { throw FleetError(.store, "the store \(queue.path) wrote nothing") }
        return value
      }
    } catch let error as FleetError {
      throw error
    } catch {
      throw FleetError(.store, "cannot write the store \(queue.path): \(Self.reason(error))")
    }
  }

  /// Moves what the log holds to its final place. It takes a while, and nobody waits for it: it has a connection of its
  /// own.
  package func tidy() throws {
    do {
      var configuration = Configuration()
      configuration.busyMode = .timeout(10)
      let connection = try DatabaseQueue(path: queue.path, configuration: configuration)
      try connection.inDatabase { _ = try $0.checkpoint(.passive) }
      try connection.close()
    } catch {
      throw FleetError(.store, "cannot tidy the store \(queue.path): \(Self.reason(error))")
    }
  }

  /// A number that changes whenever another connection than the writing one has written.
  package func version() throws -> Int64 {
    do {
      return try queue.read { try Int64.fetchOne($0, sql: "PRAGMA data_version") ?? 0 }
    } catch {
      throw FleetError(.store, "cannot read the store \(queue.path): \(Self.reason(error))")
    }
  }

  func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
    do {
      return try reader.read(body)
    } catch let error as FleetError {
      throw error
    } catch {
      throw FleetError(.store, "cannot read the store \(queue.path): \(Self.reason(error))")
    }
  }

  /// What SQLite says, without the statement and its arguments.
  private static func reason(_ error: any Error) -> String {
    guard let error = error as? DatabaseError else { return "\(error)" }
    return error.message ?? "\(error.resultCode)"
  }
}
