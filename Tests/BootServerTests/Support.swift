import BootTypes
import Bytes
import BootServer
import DHCP
import Fleet
import Foundation
import Manifest
import NetworkTypes
import ServerCore
import Synchronization
import TestSupport

/// A library with hand-made releases: every file is what its release says, and no device would boot from it.
struct LibraryFixture {
  let directory: String
  let library: ReleaseLibrary
  let damage = Damage()

  final class Damage: Sendable {
    private let found = Mutex<[BootServerError]>([])
    func add(_ error: BootServerError) { found.withLock { $0.append(error) } }
    var codes: [BootServerError.Code] { found.withLock { $0.map(\.code) } }
  }

  init(_ directory: String) {
    self.directory = directory
    library = ReleaseLibrary(directory: directory) { [damage] in damage.add($0) }
  }

  static func with<Result>(_ body: (LibraryFixture) async throws -> Result) async throws -> Result {
    try await withScratchDirectory { try await body(LibraryFixture($0.path)) }
  }

  /// Adds a release and gives its digest.
  @discardableResult
  func add(
    _ name: String, version: String = "1.0", architecture: String = "amd64", timestamp: Int = 1,
    files: [String] = ["initrd", "uki.efi", "vmlinuz"]
  ) throws -> SHA256Digest {
    let artifacts = files.map { file -> (String, [UInt8]) in
      (
        file,
        Array("\(name) \(version) \(architecture) \(timestamp) \(file)".utf8)
          + [UInt8](repeating: 7, count: 3000)
      )
    }
    let list = artifacts.map {
      #"{"name": "\#($0.0)", "sha256": "\#(SHA256.digest(of: $0.1).hex)", "size": \#($0.1.count)}"#
    }
    let text = """
      {"format": 1, "name": "\(name)", "version": "\(version)", "architecture": "\(architecture)",
       "timestamp": \(timestamp), "source": {"dirty": false, "manifest": "m", "manifestDigest": "", "lockDigest": "",
       "stage0Digest": ""}, "kernel": {"release": "6.12", "commandLine": "console=ttyS0 netimg.index=00"},
       "root": {"hash": "", "size": 1, "dataSize": 1, "frames": 0, "framesSize": 0}, "pcr11": {"boot": ""},
       "artifacts": [\(list.joined(separator: ", "))], "exceptions": [],
       "builder": {"version": "0", "compressionLevel": 1, "formats": {}}}
      """
    let digest = SHA256.digest(of: Array(text.utf8))
    let path = self.path(digest)
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/release.json"))
    for (file, bytes) in artifacts { try Data(bytes).write(to: URL(fileURLWithPath: "\(path)/\(file)")) }
    library.refresh(force: true)
    return digest
  }

  func path(_ digest: SHA256Digest, _ file: String = "") -> String {
    "\(directory)/releases/\(digest.hex)/\(file)"
  }

  /// Changes one byte of a file in its place.
  func flip(_ digest: SHA256Digest, _ file: String, at offset: Int = 5) throws {
    let handle = try FileHandle(forUpdating: URL(fileURLWithPath: path(digest, file)))
    try handle.seek(toOffset: UInt64(offset))
    let byte = try handle.read(upToCount: 1)?.first ?? 0
    try handle.seek(toOffset: UInt64(offset))
    try handle.write(contentsOf: Data([byte ^ 1]))
    try handle.close()
  }
}

/// A boot director with a clock that the test moves.
struct DirectorFixture {
  let fixture: LibraryFixture
  let director: BootDirector
  let store: SQLiteStore
  private let time: Time

  final class Time: Sendable {
    let now = Atomic<Int64>(1_000_000_000_000)
  }

  static let fleet = """
    groups:
      - {name: edge, release: edge@1.0, retry: {failures: 2, backOff: 10s, settle: 1min}}
      - {name: core, release: core@1.0}
      - {name: disk, localDisk: true}
      - {name: channel, channel: prod}
    devices:
      - {name: edge-1, mac: ["52:54:00:00:00:01"], group: edge}
      - {name: edge-2, mac: ["52:54:00:00:00:02"], group: edge}
      - {name: disk-1, mac: ["52:54:00:00:00:03"], group: disk}
      - {name: follower, mac: ["52:54:00:00:00:04"], group: channel}
      - {name: by-serial, serial: ABC-1, group: edge}
    """

  static func with<Result>(
    fleet: String = fleet, programs: [String] = ["undionly.kpxe", "ipxe.efi"],
    _ body: (DirectorFixture) async throws -> Result
  ) async throws -> Result {
    try await LibraryFixture.with { fixture async throws in
      try fixture.add("edge")
      let firmware = "\(fixture.directory)/ipxe"
      try FileManager.default.createDirectory(atPath: firmware, withIntermediateDirectories: true)
      for name in programs {
        try Data("program \(name)".utf8).write(to: URL(fileURLWithPath: "\(firmware)/\(name)"))
      }
      let store = try SQLiteStore(path: "\(fixture.directory)/fleet.sqlite")
      let manifest = try FleetManifest.parse(
        Array("apiVersion: netimg/v1\nkind: Fleet\nname: t\n\(fleet)\n".utf8), file: "fleet.yaml")
      let settings = BootDirector.Settings(
        inventory: Inventory(manifest, source: "fleet.yaml"), templates: try ScriptTemplates(directory: nil),
        programs: IPXEPrograms(directory: firmware), chainloadsUEFI: false, httpPort: 8080)
      let time = Time()
      let director = BootDirector(
        settings: settings, library: fixture.library, devices: try store.devices(),
        boots: try store.lastBoots(since: 0), nextBoot: try store.nextBootID(),
        metrics: BootMetrics(MetricsRegistry())
      ) { time.now.load(ordering: .relaxed) }
      return try await body(DirectorFixture(fixture: fixture, director: director, store: store, time: time))
    }
  }

  func wait(_ seconds: Double) { time.now.wrappingAdd(Int64(seconds * 1000), ordering: .relaxed) }

  /// Milliseconds since 1970.
  var now: Int64 { time.now.load(ordering: .relaxed) }

  /// A question by DHCP with the events that the machines make of it, and the answer.
  @discardableResult
  func ask(
    _ last: UInt64, _ client: NetbootRequest.Client = .http, _ stage: NetbootRequest.Stage = .discover,
    architecture: ClientArchitecture? = nil, uuid: MachineUUID? = nil, features: IPXEFeatures = []
  ) -> BootDecision {
    let standard: ClientArchitecture = client == .http ? .httpX64 : .uefiX64
    let request = NetbootRequest(
      client: client, stage: stage, architecture: architecture ?? standard, hardwareAddress: mac(last),
      uuid: uuid,
      ipxeFeatures: features, interface: "eth0", server: .v4(IPv4Address(value: 0xC000_0201)))
    let decision = director.decide(request)
    director.handle(.asked(request))
    switch decision {
    case .ignore(let reason), .wait(let reason), .localDisk(let reason):
      director.handle(.refused(request, reason: reason))
    case .boot(let file): director.handle(.answered(request, file))
    }
    return decision
  }

  /// A whole delivery of the image by HTTP.
  func deliver(
    _ last: UInt64, _ name: String = Artifacts.uki, part: Range<Int>? = nil, peer: IPAddress? = nil
  ) throws {
    let release = try digest
    let file = try fixture.library.open(release, name)
    let device = DeviceIdentity(mac: mac(last))
    let part = part ?? 0..<file.size
    director.noteHTTPStart(name, device, isHead: false, peer: peer)
    director.noteHTTPEnd(
      name, part, of: file, device, HTTPDelivery(bytes: part.count, milliseconds: 5, isComplete: true),
      peer: peer)
  }

  var digest: SHA256Digest {
    get throws { fixture.library.releases.first { $0.name == "edge" }?.digest ?? SHA256.digest(of: []) }
  }

  /// The sample release's digest in text.
  var hex: String { (try? digest)?.hex ?? "none" }

  /// The device's boots, from the store, the newest first.
  func boots(_ last: UInt64) throws -> [BootRecord] {
    try director.flush(to: store)
    guard let device = director.device(DeviceIdentity(mac: mac(last))) else { return [] }
    return try store.boots(of: device.id, limit: 50)
  }
}

func mac(_ last: UInt64) -> MACAddress { MACAddress(value: 0x5254_0000_0000 + last) }
