internal import GRDB

/// The store in one SQLite file: write-ahead log, every commit on disk before it returns.
package final class SQLiteStore: Sendable {
  let queue: DatabaseQueue

  /// Opens the store at `path`, or makes it. Several processes may have it open.
  /// - Throws: ``FleetError`` `.store` or `.tooNew`.
  package init(path: String) throws {
    var configuration = Configuration()
    configuration.journalMode = .wal
    // A command that changes a setting waits for the server's short writes, and the other way round.
    configuration.busyMode = .timeout(10)
    configuration.prepareDatabase { database in
      // An acknowledged lease must survive a power failure too.
      try database.execute(sql: "PRAGMA synchronous = FULL")
    }
    do {
      queue = try DatabaseQueue(path: path, configuration: configuration)
      try Self.migrate(queue, path: path)
    } catch let error as FleetError {
      throw error
    } catch {
      throw FleetError(
        .store,
        "cannot open the store \(path): \(Self.reason(error)); is its directory there and yours to write?")
    }
  }

  /// One transaction that writes.
  func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
    do {
      return try queue.write(body)
    } catch let error as FleetError {
      throw error
    } catch {
      throw FleetError(.store, "cannot write the store \(queue.path): \(Self.reason(error))")
    }
  }

  func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
    do {
      return try queue.read(body)
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
