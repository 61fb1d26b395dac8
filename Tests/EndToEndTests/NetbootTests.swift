import Foundation
import TestSupport
import Testing

/// Emulated devices that go from power-on to the boot report, each by another way, from a real server in a network of
/// its own: `tools/netboot`.
@Suite(
  .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: Bench.isRoot, "making network namespaces needs root"),
  .enabled(
    if: findTool("qemu-system-x86_64") != nil && findTool("ip") != nil
      && FileManager.default.fileExists(atPath: "/usr/lib/ipxe/ipxe.lkrn")
      && FileManager.default.fileExists(atPath: "/usr/share/OVMF/OVMF_CODE_4M.fd"),
    "qemu-system-x86, iproute2, ipxe or ovmf is missing"),
  .timeLimit(.minutes(30)))
struct NetbootTests {
  /// What came of the devices that took these ways.
  struct Outcome {
    let state: String
    let logs: String
    let output: String

    func netimg(_ arguments: [String]) throws -> String {
      let result = try Bench.netimg(arguments + ["--state", state, "--fleet", "\(state)/fleet.yaml"])
      guard result.status == 0 else { throw BenchError(result.errorText) }
      return result.text
    }
  }

  /// Boots a device by each way, all at once.
  private func boot(
    _ name: String, _ paths: [String], site: String = "none", mode: String = "server",
    release path: String? = nil, variables: String? = nil
  ) async throws -> Outcome {
    let release: String
    if let path { release = path } else { release = try await Bench.release().path }
    let directory = "\(Bench.scratch)/netboot-\(name)"
    let state = "\(directory)/state"
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    let published = try Bench.netimg(
      ["publish", release, "--to", "\(state)/library", "--unsigned", "--json"])
    try #require(published.status == 0, "\(published.errorText)")
    let digest = try run(["sha256sum", "\(release)/release.json"]).text.prefix(64)
    let devices = paths.indices.map {
      "  - {name: d\($0 + 1), mac: [\"52:54:00:77:00:0\($0 + 1)\"], group: all}\n"
    }
    try Data(
      """
      apiVersion: netimg/v1
      kind: Fleet
      name: netboot
      groups: [{name: all, release: "sha256:\(digest)"}]
      devices:
      \(devices.joined())
      """.utf8
    ).write(to: URL(fileURLWithPath: "\(state)/fleet.yaml"))
    let subnets =
      mode == "server"
      ? "\n  subnets: [{network: 10.77.0.0/24, pools: [10.77.0.50-10.77.0.99], router: 10.77.0.1}]" : ""
    try Data(
      """
      apiVersion: netimg/v1
      kind: Server
      dhcp:
        mode: \(mode)
        interfaces: [boot0]\(subnets)

      """.utf8
    ).write(to: URL(fileURLWithPath: "\(directory)/server.yaml"))
    let result = try run(
      [
        "\(Bench.repository)/tools/netboot", "--site", site, "--logs", "\(directory)/logs", "--seconds",
        "900",
      ]
        + paths.flatMap { ["--path", $0] } + (variables.map { ["--variables", $0] } ?? [])
        + [
          "--", Bench.program, "serve", "--config", "\(directory)/server.yaml", "--state", state,
          "--log-level", "debug",
        ])
    try #require(result.status == 0, "\(result.text)\(result.errorText)")
    let outcome = Outcome(state: state, logs: "\(directory)/logs", output: result.text)
    for index in paths.indices {
      let line = try #require(
        result.text.split(separator: "\n").first { $0.hasPrefix(paths[index] + " ") }, "\(result.text)")
      #expect(
        line.contains("state=running") && line.contains("verity=verified") && line.contains("failed-units=0"),
        "\(line)")
      let boots = try outcome.netimg(["device", "boots", "d\(index + 1)"])
      #expect(boots.contains("image delivered"), "\(boots)")
      #expect(
        try outcome.netimg(["explain", "boot", "d\(index + 1)"]).contains("It fetched its whole image"))
    }
    return outcome
  }

  @Test func alone() async throws {
    let outcome = try await boot("alone", ["uefi-http", "uefi-pxe", "bios", "ipxe-rom"])
    let http = try outcome.netimg(["device", "boots", "d1"])
    #expect(
      http.contains("uefi-x64 by HTTP") && http.contains("fetched by HTTP: uki.efi")
        && http.contains("was lent 10.77.0."))
    #expect(http.contains("asked for the size by HTTP: uki.efi"))
    let pxe = try outcome.netimg(["device", "boots", "d2"])
    #expect(pxe.contains("uefi-x64 by TFTP") && pxe.contains("fetched by TFTP: uki.efi"))
    let bios = try outcome.netimg(["device", "boots", "d3"])
    #expect(bios.contains("fetched by TFTP: undionly.kpxe") && bios.contains("fetched by HTTP: initrd"))
    let rom = try outcome.netimg(["device", "boots", "d4"])
    #expect(rom.contains("got its iPXE script by HTTP") && !rom.contains("undionly"))
  }

  @Test(.enabled(if: findTool("dnsmasq") != nil, "dnsmasq is missing"))
  func besideDnsmasq() async throws {
    let outcome = try await boot(
      "dnsmasq", ["uefi-http", "uefi-pxe", "bios", "ipxe-rom"], site: "dnsmasq", mode: "proxy")
    #expect(try outcome.netimg(["device", "boots", "d2"]).contains("asked on port 4011"))
    #expect(try !outcome.netimg(["device", "boots", "d2"]).contains("was lent"))
  }

  @Test(.enabled(if: findTool("kea-dhcp4") != nil, "kea-dhcp4-server is missing"))
  func besideKea() async throws {
    _ = try await boot("kea", ["uefi-http", "uefi-pxe", "bios", "ipxe-rom"], site: "kea", mode: "proxy")
  }

  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd")
        && FileManager.default.fileExists(atPath: "/usr/lib/systemd/boot/efi/systemd-bootx64.efi"),
      "ovmf or systemd-boot-efi is missing"))
  func withSecureBootOn() async throws {
    let prepared = try await SecureBootTests.prepared.value
    let outcome = try await boot(
      "secure", ["uefi-http-secure"], release: prepared.release, variables: prepared.variables)
    #expect(try outcome.netimg(["device", "boots", "d1"]).contains("fetched by HTTP: uki.signed.efi"))
  }
}
