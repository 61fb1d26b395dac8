import Foundation
import TestSupport
import Testing

/// What an ordinary user can run of `netimg serve`: HTTP on loopback, and the commands beside it.
@Suite(
  .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: findTool("curl") != nil, "curl is missing"))
struct ServeTests {
  @Test func publishingIsWholeAndTheSameAgainIsNoChange() async throws {
    try await withServedLibrary("publish") { directory, digest, release in
      let library = "\(directory)/state/library"
      let published = "\(library)/releases/\(digest)"
      #expect(try Bench.digests(below: published) == Bench.digests(below: release.path))
      let again = try Bench.netimg(["publish", release.path, "--to", library, "--unsigned", "--json"])
      #expect(again.text.contains(#""outcome" : "unchanged""#))
      _ = try run(["sh", "-c", "printf X | dd of=\(published)/uki.efi bs=1 seek=100000 conv=notrunc"])
      let repaired = try Bench.netimg(["publish", release.path, "--to", library, "--unsigned"])
      #expect(repaired.status == 0 && repaired.text.contains("was damaged there, and is put right"))
      #expect(try Bench.digests(below: published) == Bench.digests(below: release.path))
      #expect(
        try FileManager.default.contentsOfDirectory(atPath: "\(library)/releases").sorted() == [
          ".lock", digest,
        ])

      let copy = try release.linked(at: "\(directory)/damaged")
      unlink("\(copy)/initrd")
      try Data("no initrd".utf8).write(to: URL(fileURLWithPath: "\(copy)/initrd"))
      let refused = try Bench.netimg(["publish", copy, "--to", library, "--unsigned"])
      #expect(refused.status == 77 && refused.errorText.contains("initrd"))
      let unsigned = try Bench.netimg(["publish", release.path, "--to", library])
      #expect(unsigned.status == 64)
    }
  }

  @Test func filesAreServedWholeInPartsAndNeverDamaged() async throws {
    try await withServedLibrary("files") { directory, digest, release in
      let server = try Server(state: "\(directory)/state")
      let path = "boot/52-54-00-77-00-01/\(digest)/uki.efi"
      let bytes = try release.bytes("uki.efi")
      #expect(try server.get(path).output == bytes)
      #expect(try server.get(path, ["-r", "1000-1999"]).output == Array(bytes[1000..<2000]))
      let head = try server.get(path, ["-I"]).text
      #expect(
        head.contains("Content-Length: \(bytes.count)\r\n")
          && head.contains("Content-Type: application/efi\r\n"))
      #expect(
        try server.get("../../etc/passwd", ["--path-as-is", "-w", "%{http_code}"]).text.hasSuffix("400"))
      let file = "\(directory)/state/library/releases/\(digest)/uki.efi"
      _ = try run(["sh", "-c", "printf X | dd of=\(file) bs=1 seek=100000 conv=notrunc"])
      let damaged = try server.get(path, ["-w", "%{http_code}"]).text
      #expect(damaged.hasSuffix("503") && damaged.contains("publish the release again"))
      #expect(server.log.contains(" error ") && server.log.contains("publish the release again"))
      #expect(try server.get("metrics").text.contains("netimg_library_damaged_total 1\n"))
      // Put right while the server runs.
      _ = try Bench.netimg(["publish", release.path, "--to", "\(directory)/state/library", "--unsigned"])
      #expect(try server.get(path).output == bytes)
      #expect(server.stop() == 0)
    }
  }

  @Test func commandsAndServerShareOneStore() async throws {
    try await withServedLibrary("store") { directory, digest, _ in
      let state = "\(directory)/state"
      let server = try Server(state: state)
      let device = ["--state", state]
      let set = try Bench.netimg(
        [
          "device", "set", "52:54:00:77:00:01", "--name", "edge-1", "--release", "sha256:\(digest)",
          "--label", "rack=a1",
        ] + device)
      #expect(set.status == 0 && set.text == "edge-1: sha256:\(digest)\n", "\(set.errorText)")
      // The running server takes it in.
      try server.wait(for: "/\(digest)/", at: "boot/52-54-00-77-00-01/boot.ipxe")
      #expect(try Bench.netimg(["device", "list"] + device).text.contains("edge-1  52:54:00:77:00:01"))
      let shown = try Bench.netimg(["device", "show", "edge-1", "--json"] + device).text
      #expect(shown.contains(#""rack" : "a1""#) && shown.contains(#""standing" : "set""#))
      let explained = try Bench.netimg(["explain", "boot", "edge-1"] + device)
      #expect(
        explained.text.contains("edge-1 boots minimal")
          && explained.text.contains("never asked this server to boot"))
      #expect(try server.get("api/v1/devices/edge-1").text.contains(digest))
      #expect(try Bench.netimg(["device", "forget", "edge-1"] + device).status == 0)
      try server.wait(for: "is unknown", at: "boot/52-54-00-77-00-01/boot.ipxe")
      let unknown = try Bench.netimg(["device", "show", "edge-1"] + device)
      #expect(unknown.status == 66 && unknown.errorText.contains("there is no device edge-1"))
      // One server at a time.
      let second = try Server.refused(["--dhcp", "off", "--no-tftp", "--listen", "127.0.0.1:0"] + device)
      #expect(
        second.status == 69 && second.errorText.contains("another netimg serve uses the state directory"))
      let taken = try Server.refused([
        "--dhcp", "off", "--no-tftp", "--listen", "127.0.0.1:\(server.port)", "--state", "\(directory)/other",
      ])
      #expect(taken.status == 69 && taken.errorText.contains("another process has that port"))
      #expect(server.stop(SIGINT) == 0)
    }
  }

  @Test func settingsAreReadAnewWithoutAnEndToTransfers() async throws {
    try await withServedLibrary("reload") { directory, digest, release in
      let fleet = "\(directory)/fleet.yaml"
      func write(_ release: String) throws {
        let text = """
          apiVersion: netimg/v1
          kind: Fleet
          name: test
          groups: [{name: a, release: \(release)}]
          devices: [{name: edge-1, mac: ["52:54:00:77:00:01"], group: a}]

          """
        try Data(text.utf8).write(to: URL(fileURLWithPath: fleet))
      }
      try write("gone@1.0")
      // A machine that is busy may take a while.
      let config = "\(directory)/server.yaml"
      try Data("apiVersion: netimg/v1\nkind: Server\ndrain: 10min\n".utf8).write(
        to: URL(fileURLWithPath: config))
      let server = try Server(
        state: "\(directory)/state",
        arguments: [
          "--dhcp", "off", "--no-tftp", "--listen", "127.0.0.1:0", "--fleet", fleet, "--config", config,
        ])
      #expect(
        try server.get("boot/52-54-00-77-00-01/boot.ipxe").text.contains("gone@1.0 is not in the library"))
      let path = "boot/52-54-00-77-00-01/\(digest)/uki.efi"
      let slow = try HeldTransfer(path, from: server, to: "\(directory)/uki.efi")
      try write("sha256:\(digest)")
      server.signal(SIGHUP)
      try server.wait(for: "/\(digest)/", at: "boot/52-54-00-77-00-01/boot.ipxe")
      try Data("kind: Nonsense\n".utf8).write(to: URL(fileURLWithPath: fleet))
      server.signal(SIGHUP)
      try server.wait(forLog: "nothing was changed")
      #expect(server.log.contains("\(fleet):1:"))
      #expect(try server.get("boot/52-54-00-77-00-01/boot.ipxe").text.contains(digest))
      // And a stop takes no more connections, and waits for the transfer.
      #expect(slow.isRunning)
      server.signal(SIGTERM)
      try server.wait(for: "a refusal") { try server.get("healthz").status == 7 }
      #expect(slow.isRunning)
      try slow.finish()
      #expect(server.stop() == 0, "\(server.log)")
      #expect(
        try [UInt8](Data(contentsOf: URL(fileURLWithPath: "\(directory)/uki.efi")))
          == release.bytes("uki.efi"))
    }
  }

  @Test func aKilledServerStartsAgainWithWhatItKnew() async throws {
    try await withServedLibrary("kill") { directory, digest, _ in
      let state = "\(directory)/state"
      for round in 1...3 {
        let server = try Server(state: state)
        let mac = "52:54:00:77:01:0\(round)"
        #expect(
          try Bench.netimg(["device", "set", mac, "--name", "d\(round)", "--state", state]).status == 0)
        #expect(server.stop(SIGKILL) == 128 + SIGKILL)
      }
      let listed = try Bench.netimg(["device", "list", "--state", state]).text
      for round in 1...3 { #expect(listed.contains("d\(round)  ")) }
      let server = try Server(
        state: state,
        arguments: ["--dhcp", "off", "--no-tftp", "--listen", "127.0.0.1:0", "--log-format", "text"])
      #expect(try server.get("readyz").text == "ready\n")
      #expect(server.stop() == 0)
      _ = digest
    }
  }

  @Test func wrongSettingsSayWhere() async throws {
    let directory = "\(Bench.scratch)/serve-wrong"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    let config = "\(directory)/server.yaml"
    try Data("apiVersion: netimg/v1\nkind: Server\nhttp:\n  lisen: []\n".utf8).write(
      to: URL(fileURLWithPath: config))
    let result = try Server.refused(["--config", config, "--state", "\(directory)/state"])
    #expect(result.status == 65)
    #expect(result.errorText.contains("\(config):4:3: HTTP has no key lisen; did you mean listen?"))
    let missing = try Server.refused(["--fleet", "/nonexistent.yaml", "--state", "\(directory)/state"])
    #expect(
      missing.status == 65 && missing.errorText.contains("/nonexistent.yaml:1:1: there is no such file"))
    let nothing = try Bench.netimg(["device", "list", "--state", "\(directory)/nothing"])
    #expect(nothing.status == 66 && nothing.errorText.contains("netimg serve makes it"))
  }

  /// Words before a command that make an ordinary user of root.
  private static let asUser =
    Bench.isRoot
    ? [
      "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--bounding-set=-all",
      "--inh-caps=-all",
    ]
    : []
  private static let userCanRunIt = (try? run(asUser + [Bench.program, "--version"]).status) == 0
  /// The kernel's first port for everybody; containers often have 0.
  private static let firstPort =
    (try? run(["cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"]).text)
    .flatMap { Int($0.filter(\.isNumber)) } ?? 1024

  @Test(
    .enabled(if: userCanRunIt, "setpriv is missing, or an ordinary user cannot run a program in this place"))
  func anOrdinaryUserIsToldWhatPortsNeed() async throws {
    let directory = "\(Bench.scratch)/serve-user"
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    chmod(directory, 0o777)
    let result = try Server.refused(
      ["--state", "\(directory)/state", "--listen", "127.0.0.1:0"], prefix: Self.asUser)
    #expect(result.status == 74, "\(result.errorText)")
    let capability = Self.firstPort > 67 ? "CAP_NET_BIND_SERVICE" : "CAP_NET_RAW"
    #expect(result.errorText.contains(capability), "\(result.errorText)")
    #expect(
      result.errorText.split(separator: "\n").filter { !$0.contains(" notice ") }.count == 1,
      "\(result.errorText)")
  }
}

@Suite(.enabled(if: findTool("systemd-analyze") != nil, "systemd-analyze is missing")) struct UnitTests {
  @Test(arguments: ["netimg-serve", "netimg-serve-boot", "netimg-serve-control"])
  func theUnitIsWellFormedAndHardened(_ name: String) async throws {
    try await withScratchDirectory { scratch in
      // The program is not installed where the unit expects it.
      let unit = try String(contentsOfFile: "\(Bench.repository)/pxe/\(name).service", encoding: .utf8)
      let copy = scratch.appendingPathComponent("\(name).service")
      try Data(unit.replacingOccurrences(of: "/usr/bin/netimg ", with: "/bin/true ").utf8).write(to: copy)
      let result = try run(["systemd-analyze", "verify", "--man=no", copy.path])
      #expect(result.status == 0 && !result.errorText.contains("netimg-serve"), "\(result.errorText)")
      // "OK" ends at 2.0 of 10, in systemd's own scale.
      let exposure = try run([
        "systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", copy.path,
      ])
      #expect(exposure.status == 0, "\(exposure.text)\(exposure.errorText)")
    }
  }

  @Test(.enabled(if: findTool("systemd-sysusers") != nil, "systemd-sysusers is missing"))
  func theAccountsAreThoseOfTheUnits() throws {
    let accounts = "\(Bench.repository)/pxe/netimg-serve.sysusers"
    let result = try run(["systemd-sysusers", "--dry-run", accounts])
    #expect(result.status == 0, "\(result.errorText)")
    let text = try String(contentsOfFile: accounts, encoding: .utf8)
    for role in ["boot", "control"] {
      let unit = try String(
        contentsOfFile: "\(Bench.repository)/pxe/netimg-serve-\(role).service", encoding: .utf8)
      #expect(unit.contains("User=netimg-\(role)\nGroup=netimg\n"))
      #expect(text.contains("u netimg-\(role) ") && text.contains("m netimg-\(role) netimg\n"))
    }
  }
}
