internal import BootTypes
internal import Bytes
@testable internal import Manifest

extension FuzzTarget {
  /// What devices and operators can say to the boot server beside packets.
  static let serveTargets = [
    FuzzTarget(
      "request-target", maximumLength: 2100,
      seeds: {
        [
          "script": Array("/boot/52-54-00-12-34-56/boot.ipxe?uuid=${uuid}&serial=%41".utf8),
          "digest": Array("/sha256/\(digest)/uki.efi".utf8), "absolute": Array("http://h:80//a/%2e/b?c".utf8),
        ]
      }
    ) { bytes in
      guard let target = RequestTarget.parse(String(decoding: bytes, as: UTF8.self)) else { return }
      for part in target.path {
        require(!part.isEmpty && part != "." && part != "..", "no part leads elsewhere")
        require(!part.utf8.contains { $0 == UInt8(ascii: "/") || $0 < 0x20 || $0 == 0x7F }, "no part is two")
      }
      require(target.query.count <= RequestTarget.maximumFields, "a query is short")
      if let name = BootName(target.path), let path = name.path {
        require(BootName(path: path) == name, "a name survives its path")
      }
    },
    FuzzTarget(
      "boot-name", maximumLength: 256,
      seeds: {
        [
          "artifact": Array("boot/52-54-00-12-34-56/\(digest)/uki.efi".utf8),
          "uuid": Array("boot/uuid-8c3f2b0e-5a76-4a0e-9d3b-0f6f1c2d3e4f/boot.ipxe".utf8),
          "program": Array("/ipxe/undionly.kpxe".utf8),
        ]
      }
    ) { bytes in
      guard let name = BootName(path: String(decoding: bytes, as: UTF8.self)), let path = name.path else {
        return
      }
      require(BootName(path: path) == name, "a name survives its path")
      require(!path.slashSeparated().contains(".."), "no name leads elsewhere")
    },
    FuzzTarget(
      "byte-range", maximumLength: 80,
      seeds: { ["range": Array("bytes=10-19".utf8), "end": Array("bytes=-5".utf8)] }
    ) {
      bytes in
      let size = bytes.count % 3 == 0 ? 0 : 1 << (bytes.count % 40)
      if case .part(let part) = ByteRange.parse(String(decoding: bytes, as: UTF8.self), size: size) {
        require(!part.isEmpty && part.lowerBound >= 0 && part.upperBound <= size, "a range lies inside")
      }
    },
    FuzzTarget("fleet", maximumLength: 8192, seeds: { ["sample": Array(fleetSample.utf8)] }) { bytes in
      let fleet = try FleetManifest.parse(bytes, file: "fuzz")
      require(Set(fleet.devices.map(\.name)).count == fleet.devices.count, "no device is there twice")
    },
    FuzzTarget("server", maximumLength: 8192, seeds: { ["sample": Array(serverSample.utf8)] }) { bytes in
      let server = try ServerManifest.parse(bytes, file: "fuzz")
      require(server.dhcp.mode != .server || !server.dhcp.subnets.isEmpty, "a DHCP server has a network")
    },
  ]

  private static let digest = String(repeating: "0f", count: 32)

  private static let fleetSample = """
    apiVersion: netimg/v1
    kind: Fleet
    name: sample
    unknownDevices: {action: boot, group: edge}
    sites: [{name: berlin, networks: [192.0.2.0/24]}]
    groups: [{name: edge, release: edge-router@1.0, match: {role: edge}, retry: {failures: 3, backOff: 30s}}]
    devices: [{name: edge-1, mac: ["52:54:00:12:34:56"], serial: A, site: berlin, labels: {role: edge}}]

    """

  private static let serverSample = """
    apiVersion: netimg/v1
    kind: Server
    http: {listen: ["[::1]:80"], operators: [192.0.2.0/24]}
    dhcp:
      mode: server
      subnets: [{network: 192.0.2.0/24, pools: [192.0.2.1-192.0.2.9], leaseTime: 2h}]

    """
}
