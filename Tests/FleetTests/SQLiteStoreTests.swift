import DHCP
import Foundation
import GRDB
import Manifest
import NetworkTypes
import TestSupport
import Testing

@testable import Fleet

@Suite struct SQLiteStoreTests {
  private func withStore<Result>(_ body: (SQLiteStore, String) throws -> Result) async throws -> Result {
    try await withScratchDirectory { scratch async throws in
      let path = scratch.appendingPathComponent("fleet.sqlite").path
      return try body(try SQLiteStore(path: path), path)
    }
  }

  private func sample(_ id: Int64) -> DeviceRecord {
    var record = DeviceRecord(
      id: id, macs: [mac(UInt64(id)), mac(UInt64(id) + 100)],
      uuid: MachineUUID("8c3f2b0e-5a76-4a0e-9d3b-00000000000\(id)"), serial: "S\(id)")
    record.seen.first = 10
    record.seen.last = 20
    record.seen.firmware = "uefi-x64 by HTTP"
    record.seen.address = "192.0.2.\(id)"
    record.health.failures = 2
    record.health.lastFailure = 15
    record.health.release = "r"
    record.health.handedOver = 14
    return record
  }

  @Test func devicesComeBackAsTheyWere() async throws {
    try await withStore { store, path throws in
      var batch = FleetBatch()
      batch.newDevices = [sample(1), sample(2)]
      try store.commit(batch)
      #expect(try store.devices() == [sample(1), sample(2)])
      #expect(try SQLiteStore(path: path).devices() == [sample(1), sample(2)])
      var changed = sample(1)
      changed.seen.last = 99
      changed.macs.append(mac(77))
      batch = FleetBatch()
      batch.devices = [changed]
      try store.commit(batch)
      #expect(try store.devices() == [changed, sample(2)])
    }
  }

  @Test func manyMayMakeItAtTheSameTime() async throws {
    try await withScratchDirectory { scratch in
      for round in 0..<5 {
        let path = scratch.appendingPathComponent("fleet-\(round).sqlite").path
        try await withThrowingTaskGroup(of: Void.self) { group in
          for number in 0..<8 {
            group.addTask {
              var batch = FleetBatch()
              batch.newDevices = [DeviceRecord(id: Int64(number), macs: [])]
              try SQLiteStore(path: path).commit(batch)
            }
          }
          try await group.waitForAll()
        }
        #expect(try SQLiteStore(path: path).devices().count == 8)
      }
    }
  }

  @Test(arguments: [0o750, 0o2770]) func itIsAsWritableAsItsDirectory(_ mode: Int) async throws {
    try await withScratchDirectory { scratch in
      let directory = scratch.appendingPathComponent("state").path
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: false)
      #expect(chmod(directory, mode_t(mode)) == 0)
      let store = try SQLiteStore(path: "\(directory)/fleet.sqlite")
      try store.commitLeases([.remove(.v4(IPv4Address(value: 1)))])
      for name in ["fleet.sqlite", "fleet.sqlite-wal", "fleet.sqlite-shm"] {
        var status = stat()
        #expect(stat("\(directory)/\(name)", &status) == 0)
        #expect((status.st_mode & S_IWGRP != 0) == (mode & 0o020 != 0), "\(name)")
        #expect(status.st_mode & S_IWOTH == 0)
      }
    }
  }

  @Test func aLeaseIsOnTheDiskAndWhatIsLearnedWaitsForNone() async throws {
    try await withStore { store, path throws in
      func synchronous() throws -> Int? {
        try store.queue.inDatabase { try Int.fetchOne($0, sql: "PRAGMA synchronous") }
      }
      try store.commitLeases([.remove(.v4(IPv4Address(value: 1)))])
      #expect(try synchronous() == 2, "FULL: every commit waits for the disk")
      var batch = FleetBatch()
      batch.newDevices = [sample(1)]
      try store.commit(batch)
      #expect(try synchronous() == 1)
      try store.commitLeases([.remove(.v4(IPv4Address(value: 1)))])
      #expect(try synchronous() == 2)
    }
  }

  @Test func tidyingEmptiesTheLogAndLosesNothing() async throws {
    try await withStore { store, path throws in
      var batch = FleetBatch()
      batch.newDevices = (1...9).map(sample)
      try store.commit(batch)
      let before = try store.version()
      try store.tidy()
      #expect(try store.version() == before, "no other process has written")
      #expect(
        try Data(contentsOf: URL(fileURLWithPath: path)).count > 8192, "the records are in the file itself")
      #expect(try store.devices() == (1...9).map(sample))
    }
  }

  @Test func settingsAreTheOperatorsAlone() async throws {
    try await withStore { store, _ throws in
      var settings = DeviceSettings()
      settings.name = "edge-1"
      settings.group = "edge"
      settings.release = .named("minimal", version: "1.0")
      settings.labels = [FleetLabel(name: "rack", value: "a"), FleetLabel(name: "role", value: "edge")]
      settings.armed = 7
      try store.set(settings, of: sample(1))
      var stored = sample(1)
      stored.settings = settings
      #expect(try store.devices() == [stored])
      // What the server writes leaves them alone.
      var batch = FleetBatch()
      batch.devices = [sample(1)]
      try store.commit(batch)
      #expect(try store.devices() == [stored])
      settings.labels = []
      settings.name = nil
      try store.set(settings, of: sample(1))
      #expect(try store.devices()[0].settings == settings)
    }
  }

  @Test func aNameBelongsToOneDevice() async throws {
    try await withStore { store, _ throws in
      var settings = DeviceSettings()
      settings.name = "edge-1"
      try store.set(settings, of: sample(1))
      let error = #expect(throws: FleetError.self) { try store.set(settings, of: sample(2)) }
      #expect(error?.code == .badValue)
      // And nothing of the second is there.
      #expect(try store.devices().map(\.id) == [1])
    }
  }

  @Test func aForgottenDeviceStaysForgotten() async throws {
    try await withStore { store, _ throws in
      var batch = FleetBatch()
      batch.newDevices = [sample(1)]
      batch.boots = [BootRecord(id: 1, device: 1, started: 5, firmware: "f")]
      try store.commit(batch)
      try store.forget(device: 1)
      #expect(try store.devices().isEmpty && store.boots(of: 1, limit: 10).isEmpty)
      batch = FleetBatch()
      batch.devices = [sample(1)]
      batch.boots = [BootRecord(id: 2, device: 1, started: 6, firmware: "f")]
      try store.commit(batch)
      #expect(try store.devices().isEmpty && store.boots(of: 1, limit: 10).isEmpty)
      #expect(try store.nextBootID() == 2)
    }
  }

  @Test func bootsAreKeptUpToALimitAndNewestFirst() async throws {
    try await withStore { store, _ throws in
      var batch = FleetBatch()
      batch.newDevices = [sample(1), sample(2)]
      batch.boots = (1...60).map { BootRecord(id: $0, device: 1, started: $0, firmware: "f") }
      var other = BootRecord(id: 61, device: 2, started: 100, firmware: "g")
      other.add(
        BootEvent(at: 101, .fetched, "uki.efi", transport: "http", bytes: 5, milliseconds: 2, retries: 1))
      other.state = .handedOver
      batch.boots.append(other)
      try store.commit(batch)
      #expect(try store.boots(of: 1, limit: 100).map(\.id) == Array((11...60).reversed()))
      #expect(try store.boots(of: 2, limit: 100) == [other])
      #expect(try store.lastBoots(since: 60).map(\.id) == [60, 61])
      #expect(try store.lastBoots(since: 61).map(\.id) == [61])
      #expect(try store.nextBootID() == 62)
    }
  }

  @Test func eventsComeNewestFirst() async throws {
    try await withStore { store, _ throws in
      var batch = FleetBatch()
      batch.events = [
        FleetEvent(at: 1, .info, kind: "a", "one"), FleetEvent(at: 2, .warning, kind: "b", device: 5, "two"),
      ]
      try store.commit(batch)
      #expect(try store.events(limit: 10) == batch.events.reversed())
      #expect(try store.events(limit: 1).map(\.message) == ["two"])
    }
  }

  @Test func leasesComeBackAsTheyWere() async throws {
    try await withStore { store, path throws in
      let first = Lease(
        address: .v4(IPv4Address(value: 0xC000_0201)), client: [1, 0x52, 0], hardwareAddress: mac(1),
        hostName: "h",
        granted: 5, expires: .max)
      let second = Lease(
        address: IPAddress("2001:db8::1") ?? .v4(.any), client: [], state: .declined, granted: 5, expires: 9)
      try store.commitLeases([.put(first), .put(second)])
      #expect(Set(try SQLiteStore(path: path).loadLeases()) == [first, second])
      var moved = first
      moved.client = [2]
      try store.commitLeases([.remove(second.address), .put(moved)])
      #expect(try store.loadLeases() == [moved])
      try store.forget(device: 1)
      #expect(try store.loadLeases() == [moved])
    }
  }

  @Test func theVersionTellsOfOtherProcesses() async throws {
    try await withStore { store, path throws in
      let before = try store.version()
      try store.commitLeases([.remove(.v4(.any))])
      var batch = FleetBatch()
      batch.newDevices = [sample(1)]
      try store.commit(batch)
      #expect(try store.version() == before)
      try SQLiteStore(path: path).set(DeviceSettings(), of: sample(1))
      #expect(try store.version() != before)
    }
  }

  @Test func whatCannotBeOpenedSaysSo() async throws {
    #expect(throws: FleetError.self) { try SQLiteStore(path: "/nonexistent/fleet.sqlite") }
    try await withScratchDirectory { scratch async throws in
      let path = scratch.appendingPathComponent("x").path
      try Data("this is no database, and long enough to be seen as none at all".utf8).write(
        to: URL(fileURLWithPath: path))
      let error = #expect(throws: FleetError.self) { try SQLiteStore(path: path) }
      #expect(error?.code == .store && error?.message.contains(path) == true)
    }
  }

  @Test(.enabled(if: hasPythonModule("sqlite3"), "python3 has no module sqlite3"))
  func aNewerStoreIsRefusedAndPythonReadsOurs() async throws {
    try await withStore { store, path throws in
      var batch = FleetBatch()
      batch.newDevices = [sample(1)]
      try store.commit(batch)
      let script = """
        import sqlite3, sys
        d = sqlite3.connect(sys.argv[1])
        print(d.execute("PRAGMA integrity_check").fetchone()[0], d.execute("PRAGMA journal_mode").fetchone()[0],
              d.execute("SELECT mac FROM deviceMAC ORDER BY mac").fetchall()[0][0])
        d.execute("INSERT INTO grdb_migrations VALUES ('of the future')")
        d.commit()
        """
      let result = try run([testPython, "-c", script, path])
      #expect(result.text == "ok wal 52:54:00:00:00:01\n", "\(result.errorText)")
      let error = #expect(throws: FleetError.self) { try SQLiteStore(path: path) }
      #expect(error?.code == .tooNew)
    }
  }
}

@Suite struct DeviceDirectoryTests {
  private let text = """
    groups: [{name: core, release: core@1.0}]
    devices: [{name: seen, mac: ["52:54:00:00:00:01"], group: core}, {name: never, serial: N-1, group: core}]
    """

  @Test func devicesOfBothSources() async throws {
    try await withScratchDirectory { scratch async throws in
      let store = try SQLiteStore(path: scratch.appendingPathComponent("s").path)
      var batch = FleetBatch()
      batch.newDevices = [
        DeviceRecord(id: 1, macs: [mac(1)]), DeviceRecord(id: 2, macs: [mac(2)], serial: "S"),
      ]
      try store.commit(batch)
      let directory = DeviceDirectory(store: store, inventory: try fleet(text))
      #expect(try directory.list().map(\.assignment.name) == ["52:54:00:00:00:02", "never", "seen"])
      #expect(try directory.find("seen").record?.id == 1)
      #expect(try directory.find("52-54-00-00-00-01").assignment.name == "seen")
      #expect(try directory.find("S").record?.id == 2)
      #expect(try directory.find("N-1").record == nil)
      let error = #expect(throws: FleetError.self) { try directory.find("sene") }
      #expect(error?.code == .notFound)
    }
  }

  @Test func twoDevicesWithOneSerialNumberAreNotMixedUp() async throws {
    try await withScratchDirectory { scratch async throws in
      let store = try SQLiteStore(path: scratch.appendingPathComponent("s").path)
      var batch = FleetBatch()
      batch.newDevices = [
        DeviceRecord(id: 1, macs: [mac(1)], serial: "S"), DeviceRecord(id: 2, macs: [mac(2)], serial: "S"),
      ]
      try store.commit(batch)
      let error = #expect(throws: FleetError.self) {
        try DeviceDirectory(store: store, inventory: .empty).find("S")
      }
      #expect(error?.code == .ambiguous)
    }
  }
}
