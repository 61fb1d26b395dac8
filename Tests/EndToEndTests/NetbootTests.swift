import Foundation
import TestSupport
import Testing

/// What these tests need.
private enum NetbootBench {
  /// Whether emulated devices can have a network, tried once.
  static let canMakeTaps: Bool = {
    let name = "netimg-p\(getpid() % 1_000_000)"
    return ["add", "del"].allSatisfy {
      (try? run(["ip", "tuntap", $0, "dev", name, "mode", "tap"]))?.status == 0
    }
  }()
}

/// Emulated devices that go from power-on to the boot report, each by another way, from a real server in a network of
/// its own: `tools/netboot`. Each of these tests takes all processors for a minute or two.
@Suite(
  "network boots in QEMU", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: NetworkNamespaces.isUsable, Comment(rawValue: NetworkNamespaces.whyNot)),
  .enabled(if: NetbootBench.canMakeTaps, "this system makes no tap interface"),
  .enabled(
    if: findTool("qemu-system-x86_64") != nil && findTool("setpriv") != nil
      && FileManager.default.fileExists(atPath: "/usr/lib/ipxe/ipxe.lkrn")
      && FileManager.default.fileExists(atPath: "/usr/share/OVMF/OVMF_CODE_4M.fd"),
    "qemu-system-x86, util-linux, ipxe or ovmf is missing"))
struct NetbootTests {
  /// What came of the devices that took these ways.
  struct Outcome {
    let state: String

    func netimg(_ arguments: [String]) throws -> String {
      let result = try Bench.netimg(arguments + ["--state", state, "--fleet", "\(state)/fleet.yaml"])
      guard result.status == 0 else { throw BenchError(result.errorText) }
      return result.text
    }
  }

  /// Boots a device by each way, all at once.
  private func boot(
    _ name: String, _ paths: [String], site: String = "none", release: Prepared, settings: String = ""
  ) throws -> Outcome {
    let directory = "\(Bench.scratch)/netboot-\(name)"
    let state = "\(directory)/state"
    try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
    let published = try Bench.netimg(
      ["publish", release.path, "--to", "\(state)/library", "--unsigned", "--json"])
    try #require(published.status == 0, "\(published.errorText)")
    let digest = try run(["sha256sum", "\(release.path)/release.json"]).text.prefix(64)
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
    let isIPv6 = paths.contains { $0.hasSuffix("6") }
    let subnets =
      isIPv6
      ? "\n  ipv6: true"
        + (site == "none"
          ? "\n  ipv6Subnets: [{network: \"fd77::/64\", pool: \"fd77::100-fd77::1ff\"}]" : "")
        + (site == "none" ? "\n  subnets: [{network: 10.77.0.0/24, pools: [10.77.0.50-10.77.0.99]}]" : "")
      : site == "none"
        ? "\n  subnets: [{network: 10.77.0.0/24, pools: [10.77.0.50-10.77.0.99], router: 10.77.0.1}]" : ""
    try Data(
      """
      apiVersion: netimg/v1
      kind: Server
      dhcp:
        mode: \(site == "none" ? "server" : "proxy")
        interfaces: [boot0]\(subnets)
      \(settings)

      """.utf8
    ).write(to: URL(fileURLWithPath: "\(directory)/server.yaml"))
    let result = try run(
      [
        "\(Bench.repository)/tools/netboot", "--site", site, "--logs", "\(directory)/logs", "--seconds",
        "900",
      ]
        + paths.flatMap { ["--path", $0] } + (release.variables.map { ["--variables", $0] } ?? [])
        + [
          "--", Bench.program, "serve", "--config", "\(directory)/server.yaml", "--state", state,
          "--log-level", "debug",
        ])
    let outcome = Outcome(state: state)
    guard result.status == 0 else {
      let boots = try paths.indices.map {
        "\(paths[$0]): \(try outcome.netimg(["device", "boots", "d\($0 + 1)"]))"
      }
      throw BenchError("\(result.text)\(result.errorText)\(boots.joined(separator: "\n"))")
    }
    for index in paths.indices {
      let line = try #require(
        result.text.split(separator: "\n").first { $0.hasPrefix(paths[index] + " ") }, "\(result.text)")
      #expect(
        line.contains("state=running") && line.contains("verity=verified") && line.contains("failed-units=0"),
        "\(line)")
      #expect(line.contains("lockdown=integrity") == paths[index].hasSuffix("-secure"), "\(line)")
      let boots = try outcome.netimg(["device", "boots", "d\(index + 1)"])
      #expect(boots.contains("image delivered"), "\(boots)")
      let lent = isIPv6 ? "was lent fd77::" : "was lent 10.77.0."
      #expect(boots.contains(lent) == (site == "none"), "\(boots)")
      #expect(
        try outcome.netimg(["explain", "boot", "d\(index + 1)"]).contains("It fetched its whole image"))
    }
    return outcome
  }

  /// A release to boot, and a variable store whose keys have signed it if it is for Secure Boot.
  struct Prepared {
    let path: String
    var variables: String?

    static func plain() async throws -> Prepared { Prepared(path: try await Bench.release().path) }
    static func secure() async throws -> Prepared {
      let prepared = try await SecureBootTests.prepared.value
      return Prepared(path: prepared.release, variables: prepared.variables)
    }
  }

  private static let secureBoot = [
    "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", "/usr/lib/systemd/boot/efi/systemd-bootx64.efi",
  ].allSatisfy { FileManager.default.fileExists(atPath: $0) }

  @Test("by the full DHCP server, alone on its network") func alone() async throws {
    let outcome = try boot(
      "alone", ["uefi-http", "uefi-pxe", "bios", "ipxe-rom", "uefi-ipxe"], release: try await .plain())
    let http = try outcome.netimg(["device", "boots", "d1"])
    #expect(http.contains("uefi-x64 by HTTP") && http.contains("fetched by HTTP: uki.efi"), "\(http)")
    #expect(http.contains("asked for the size by HTTP: uki.efi"), "\(http)")
    let pxe = try outcome.netimg(["device", "boots", "d2"])
    #expect(pxe.contains("uefi-x64 by TFTP") && pxe.contains("fetched by TFTP: uki.efi"), "\(pxe)")
    let bios = try outcome.netimg(["device", "boots", "d3"])
    #expect(bios.contains("fetched by TFTP: undionly.kpxe"), "\(bios)")
    #expect(
      bios.contains("got its iPXE script by HTTP") && bios.contains("fetched by HTTP: initrd"), "\(bios)")
    let rom = try outcome.netimg(["device", "boots", "d4"])
    #expect(rom.contains("got its iPXE script by HTTP") && !rom.contains("undionly"), "\(rom)")
    // iPXE prefers the UKI on UEFI, and that starts with its own command line.
    let uefi = try outcome.netimg(["device", "boots", "d5"])
    #expect(uefi.contains("uefi-x64 by iPXE") && uefi.contains("fetched by HTTP: uki.efi"), "\(uefi)")
    #expect(!uefi.contains("vmlinuz"), "\(uefi)")
  }

  @Test(
    "beside dnsmasq", .enabled(if: findTool("dnsmasq") != nil, "dnsmasq is missing"),
    .enabled(if: secureBoot, "ovmf or systemd-boot-efi is missing"))
  func besideDnsmasq() async throws {
    let outcome = try boot(
      "dnsmasq", ["uefi-http-secure", "uefi-http", "uefi-pxe", "bios", "ipxe-rom"], site: "dnsmasq",
      release: try await .secure())
    let secure = try outcome.netimg(["device", "boots", "d1"])
    #expect(secure.contains("fetched by HTTP: uki.signed.efi"), "\(secure)")
    let pxe = try outcome.netimg(["device", "boots", "d3"])
    #expect(pxe.contains("asked on port 4011"), "\(pxe)")
  }

  @Test(
    "beside Kea, and UEFI loads iPXE first",
    .enabled(if: findTool("kea-dhcp4") != nil, "kea-dhcp4-server is missing"),
    .enabled(if: secureBoot, "ovmf or systemd-boot-efi is missing"))
  func besideKea() async throws {
    let outcome = try boot(
      "kea", ["uefi-http-secure", "uefi-http", "uefi-pxe", "bios", "ipxe-rom"], site: "kea",
      release: try await .secure(), settings: "ipxe: {chainloadUEFI: true}")
    let pxe = try outcome.netimg(["device", "boots", "d3"])
    #expect(
      pxe.contains("fetched by TFTP: ipxe.efi") && pxe.contains("fetched by HTTP: uki.signed.efi"), "\(pxe)")
  }

  @Test("over IPv6, by the full DHCPv6 server") func aloneOverIPv6() async throws {
    let outcome = try boot(
      "alone6", ["uefi-pxe6", "uefi-http6"], release: try await .plain(), settings: Self.listenSix)
    let pxe = try outcome.netimg(["device", "boots", "d1"])
    #expect(pxe.contains("uefi-x64 by TFTP") && pxe.contains("fetched by TFTP: uki.efi"), "\(pxe)")
    let http = try outcome.netimg(["device", "boots", "d2"])
    #expect(http.contains("uefi-x64 by HTTP") && http.contains("fetched by HTTP: uki.efi"), "\(http)")
  }

  @Test("over IPv6, beside dnsmasq", .enabled(if: findTool("dnsmasq") != nil, "dnsmasq is missing"))
  func besideDnsmasqOverIPv6() async throws {
    let outcome = try boot(
      "dnsmasq6", ["uefi-pxe6", "uefi-http6"], site: "dnsmasq", release: try await .plain(),
      settings: Self.listenSix)
    #expect(try outcome.netimg(["device", "boots", "d1"]).contains("fetched by TFTP: uki.efi"))
    #expect(try outcome.netimg(["device", "boots", "d2"]).contains("fetched by HTTP: uki.efi"))
  }

  private static let listenSix = "http: {listen: [\"[::]:8080\"]}"

  @Test(
    "with Secure Boot on, alone on its network",
    .enabled(if: secureBoot, "ovmf or systemd-boot-efi is missing"))
  func withSecureBootOn() async throws {
    let outcome = try boot("secure", ["uefi-http-secure"], release: try await .secure())
    let boots = try outcome.netimg(["device", "boots", "d1"])
    #expect(boots.contains("fetched by HTTP: uki.signed.efi"), "\(boots)")
  }
}
