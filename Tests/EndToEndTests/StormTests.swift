import Foundation
import TestSupport
import Testing

/// Hundreds of simulated devices that boot at once from a real server, in a network of their own.
@Suite(
  "boot storms", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: StormNetwork.isPossible, "making network namespaces needs root and iproute2"))
struct StormTests {
  private static let devices = 300

  /// What a storm's last line says, by its words.
  private func result(_ text: String) throws -> [String: Double] {
    let line = try #require(text.split(separator: "\n").first { $0.hasPrefix("devices ") }, "\(text)")
    let words = line.split(separator: " ")
    return Dictionary(
      stride(from: 0, to: words.count - 1, by: 2).compactMap { index in
        Double(words[index + 1]).map { (String(words[index]), $0) }
      }, uniquingKeysWith: { first, _ in first })
  }

  @Test func everyDeviceBootsThoughTheServerIsKilledTwice() async throws {
    try await withScratchDirectory { scratch async throws in
      let network = try StormNetwork()
      let state = try StormState(scratch.appendingPathComponent("state").path)
      var server = try await state.serve(in: network, log: "first")
      // They are switched on over some seconds, so that some have all, some have an address, and some have nothing.
      let storm = try network.storm(
        Self.devices, seconds: 6, output: scratch.appendingPathComponent("storm").path)
      for (count, log) in [(Self.devices / 4, "second"), (Self.devices / 2, "third")] {
        try await Background.wait(for: "\(count) devices") {
          !storm.isRunning || storm.text.contains("progress \(count)\n")
        }
        kill(server.identifier, SIGKILL)
        #expect(server.wait() == 128 + SIGKILL)
        server = try await state.serve(in: network, log: log)
      }
      #expect(storm.wait() == 0, "\(storm.text)")
      let result = try result(storm.text)
      #expect(result["devices"] == Double(Self.devices))
      #expect(result["failed"] == 0, "\(storm.text)")
      #expect(result["conflicts"] == 0, "no address was given to two devices")
      kill(server.identifier, SIGTERM)
      #expect(server.wait() == 0)

      // What devices were told is in the store, whatever happened meanwhile.
      let told = Set(
        storm.text.split(separator: "\n").filter { $0.hasPrefix("lease ") }.map { $0.dropFirst(6) })
      #expect(told.count == Self.devices)
      if let python = python(with: "sqlite3") {
        let leases = try run([
          python, "-c",
          """
          import sqlite3, sys
          for row in sqlite3.connect(sys.argv[1]).execute("SELECT mac, address FROM lease"):
              print(*row)
          """, "\(state.path)/fleet.sqlite",
        ])
        let stored = Set(leases.text.split(separator: "\n"))
        #expect(told.isSubset(of: stored), "\(told.subtracting(stored)) \(leases.errorText)")
      }
      for log in ["first", "second", "third"] {
        let text = try String(contentsOfFile: "\(state.path).\(log)", encoding: .utf8)
        #expect(!text.contains(" error "), "\(text)")
      }
    }
  }

  @Test func aFloodOfStrangersKeepsNobodyElseFromBooting() async throws {
    try await withScratchDirectory { scratch async throws in
      let network = try StormNetwork()
      let state = try StormState(scratch.appendingPathComponent("state").path)
      let server = try await state.serve(in: network, log: "log")
      let flood = try network.flood(20_000, output: scratch.appendingPathComponent("flood").path)
      let storm = try network.storm(20, seconds: 1, output: scratch.appendingPathComponent("storm").path)
      #expect(storm.wait() == 0, "\(storm.text)")
      #expect(try result(storm.text)["failed"] == 0)
      #expect(flood.wait() == 0, "\(flood.text)")
      #expect(server.isRunning)
      kill(server.identifier, SIGTERM)
      #expect(server.wait() == 0, "\(server.text)")
    }
  }

  /// Requests from many addresses that never answer fill the table of transfers many times over.
  @Test func aFloodOfTransfersKeepsNobodyFromBooting() async throws {
    try await withScratchDirectory { scratch async throws in
      let network = try StormNetwork()
      let state = try StormState(scratch.appendingPathComponent("state").path)
      let server = try await state.serve(in: network, log: "log")
      let flood = try network.floodTFTP(50_000, output: scratch.appendingPathComponent("flood").path)
      let storm = try network.storm(20, seconds: 1, output: scratch.appendingPathComponent("storm").path)
      #expect(storm.wait() == 0, "\(storm.text)")
      #expect(try result(storm.text)["failed"] == 0)
      #expect(flood.wait() == 0, "\(flood.text)")
      #expect(server.isRunning)
      kill(server.identifier, SIGTERM)
      #expect(server.wait() == 0, "\(server.text)")
    }
  }
}

/// Two network namespaces with a cable between them: the server's (10.77.0.1), and one that is a relay agent with a
/// network of devices behind it (10.80.0.0/16).
final class StormNetwork: Sendable {
  let near: String
  let far: String

  static let isPossible: Bool = {
    guard Bench.isRoot, findTool("ip") != nil else { return false }
    return (try? StormNetwork()) != nil
  }()

  init() throws {
    let number = UInt32.random(in: 0..<1 << 24)
    near = "storm-s-\(number)"
    far = "storm-c-\(number)"
    for name in [near, far] {
      try Self.ip("netns add \(name)")
      try Self.ip("-n \(name) link set lo up")
    }
    try Self.ip("link add st0 netns \(near) type veth peer name st1 netns \(far)")
    try Self.ip("-n \(near) addr add 10.77.0.1/24 dev st0")
    try Self.ip("-n \(far) addr add 10.77.0.2/24 dev st1")
    try Self.ip("-n \(near) link set st0 up")
    try Self.ip("-n \(far) link set st1 up")
    try Self.ip("-n \(near) route add 10.80.0.0/16 via 10.77.0.2")
    try Self.ip("-n \(far) addr add 10.80.0.1/32 dev lo")
    // Every address of the devices' network is this host's.
    try Self.ip("-n \(far) route add local 10.80.0.0/16 dev lo")
  }

  deinit {
    for name in [near, far] { try? Self.ip("netns del \(name)") }
  }

  private static func ip(_ words: String) throws {
    let result = try run(["ip"] + words.split(separator: " ").map(String.init))
    guard result.status == 0 else { throw BenchError("ip \(words): \(result.errorText)") }
  }

  /// The devices' program, which is built beside the tests.
  private static let program = Result { () throws -> String in
    let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return URL(fileURLWithPath: own).deletingLastPathComponent().appendingPathComponent("netimg-netbench")
      .path
  }

  fileprivate func start(_ words: [String], output: String) throws -> Background {
    try Background(["ip", "netns", "exec", far, try Self.program.get()] + words, output: output)
  }

  /// Devices that are switched on within some seconds, and then have three minutes.
  func storm(_ count: Int, seconds: Int, output: String) throws -> Background {
    try start(
      ["storm", "10.77.0.1", "10.80.0.1", "\(count)", "\(seconds)", "\(seconds + 180)", "leases"],
      output: output)
  }

  /// Discoveries from as many hardware addresses, as fast as they go.
  func flood(_ count: Int, output: String) throws -> Background {
    try start(["flood", "10.77.0.1", "10.80.0.1", "\(count)"], output: output)
  }
}

extension StormNetwork {
  /// Requests for iPXE from the upper half of the devices' network, whose addresses no device is given.
  func floodTFTP(_ count: Int, output: String) throws -> Background {
    try start(
      ["tftp-flood", "10.77.0.1", "10.80.128.0/17", "ipxe/undionly.kpxe", "\(count)"], output: output)
  }
}

/// A state directory whose server boots whoever asks, from a release that is all there and that no device would run.
struct StormState {
  let path: String

  init(_ path: String) throws {
    self.path = path
    let manager = FileManager.default
    func write(_ text: String, _ name: String) throws {
      try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(name)"))
    }
    try manager.createDirectory(atPath: "\(path)/ipxe", withIntermediateDirectories: true)
    try manager.createDirectory(atPath: "\(path)/library/releases", withIntermediateDirectories: true)
    try Data(count: 74_213).write(to: URL(fileURLWithPath: "\(path)/ipxe/undionly.kpxe"))
    let files = ["initrd", "uki.efi", "vmlinuz"]
    for file in files { try write("This is \(file).\n", file) }
    let digests = try files.map { try digest($0) }
    let artifacts = zip(files, digests).map { file, digest in
      #"{"name": "\#(file)", "sha256": "\#(digest)", "size": \#("This is \(file).\n".utf8.count)}"#
    }
    try write(
      """
      {"format": 1, "name": "storm", "version": "1.0", "architecture": "amd64", "timestamp": 1,
       "source": {"dirty": false, "manifest": "m", "manifestDigest": "", "lockDigest": "", "stage0Digest": ""},
       "kernel": {"release": "6.12", "commandLine": "console=ttyS0"},
       "root": {"hash": "", "size": 1, "dataSize": 1, "frames": 0, "framesSize": 0}, "pcr11": {"boot": ""},
       "artifacts": [\(artifacts.joined(separator: ", "))], "exceptions": [],
       "builder": {"version": "0", "compressionLevel": 1, "formats": {}}}

      """, "release.json")
    let release = "\(path)/library/releases/\(try digest("release.json"))"
    try manager.createDirectory(atPath: release, withIntermediateDirectories: true)
    for file in files + ["release.json"] {
      try manager.moveItem(atPath: "\(path)/\(file)", toPath: "\(release)/\(file)")
    }
    try write(
      """
      apiVersion: netimg/v1
      kind: Fleet
      name: storm
      unknownDevices: {action: boot, group: storm}
      groups:
        - {name: storm, release: storm@1.0}

      """, "fleet.yaml")
    try write(
      """
      apiVersion: netimg/v1
      kind: Server
      http: {listen: ["10.77.0.1:8080"]}
      ipxe: {firmware: \(path)/ipxe}
      dhcp:
        mode: server
        subnets:
          - {network: 10.80.0.0/16, pools: [10.80.1.0-10.80.15.255]}

      """, "server.yaml")
  }

  private func digest(_ name: String) throws -> String {
    let result = try run(["sha256sum", "\(path)/\(name)"])
    return String(result.text.prefix(64))
  }

  /// Starts a server and waits until it is ready.
  func serve(in network: StormNetwork, log: String) async throws -> Background {
    let server = try Background(
      [
        "ip", "netns", "exec", network.near, Bench.program, "serve", "--config", "\(path)/server.yaml",
        "--state", path,
      ], output: "\(path).\(log)")
    try await Background.wait(for: "a server that is ready") {
      !server.isRunning || server.text.contains(" ready ")
    }
    guard server.isRunning else { throw BenchError("the server ended: \(server.text)") }
    return server
  }
}

extension Background {
  /// Waits until something is so; fails if it is not after minutes.
  static func wait(for what: String, until isSo: () -> Bool) async throws {
    for _ in 0..<6000 {
      if isSo() { return }
      try await Task.sleep(for: .milliseconds(50))
    }
    throw BenchError("waited in vain for \(what)")
  }
}
