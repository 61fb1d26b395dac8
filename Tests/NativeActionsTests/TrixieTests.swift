import Foundation
import TestSupport
import Testing

@testable import NativeActions

/// Debian 13's own files, judged by Debian 13's own systemd.
@Suite(.enabled(if: TrixieRoot.isAvailable, TrixieRoot.hint)) struct TrixieTests {
  private static let packages = [
    "systemd_", "libsystemd", "udev_", "frr_", "nftables_", "base-passwd_", "libc6_", "libcap2_",
    "libcrypt1_",
    "libacl1_", "libaudit1_", "libcap-ng0_", "libselinux1_", "libpam0g_", "libseccomp2_", "libmount1_",
    "libblkid1_",
    "libpcre2-8-0_", "libssl3t64_", "libzstd1_", "zlib1g_", "logrotate_", "cron_", "openssl_", "mount_",
    "libgcc-s1_",
    "libkmod2_", "liblzma5_",
  ]

  private func withRoot(_ body: (TrixieRoot) throws -> Void) async throws {
    try await withScratchDirectory { scratch in
      try body(try TrixieRoot(scratch.appendingPathComponent("root").path, unpacking: Self.packages))
    }
  }

  /// Files below a directory of the root, by name.
  private func files(_ root: TrixieRoot, _ directory: String, _ suffix: String) throws -> [(String, [UInt8])]
  {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: root.path + directory)) ?? []
    return try names.filter { $0.hasSuffix(suffix) }.sorted().compactMap { name in
      let path = "\(root.path)\(directory)/\(name)"
      guard let type = try FileManager.default.attributesOfItem(atPath: path)[.type] as? FileAttributeType,
        type == .typeRegular
      else { return nil }
      return ("\(directory)/\(name)", try contents(path))
    }
  }

  @Test func accountsAreNumberedAsSystemdSysusersDoes() async throws {
    try await withRoot { root in
      let masters = try ["passwd", "group"].map {
        try contents("\(root.path)/usr/share/base-passwd/\($0).master")
      }
      var database = try AccountDatabase(
        passwd: masters[0], passwdFile: "passwd.master", group: masters[1], groupFile: "group.master")
      for (name, bytes) in zip(["passwd", "group"], masters) {
        try write(bytes, to: "\(root.path)/etc/\(name)")
      }
      let lines = try files(root, "/usr/lib/sysusers.d", ".conf").flatMap {
        try Sysusers.parse($0.1, file: $0.0)
      }
      #expect(lines.count > 40)
      try database.add(lines)
      let output = try root.run("/usr/bin/systemd-sysusers", ["--root=\(root.path)"])
      #expect(output.status == 0, "\(output.standardError)")
      func numbers(_ text: [UInt8]) -> [String] {
        String(decoding: text, as: UTF8.self).split(separator: "\n").map {
          let fields = $0.split(separator: ":", omittingEmptySubsequences: false)
          return "\(fields[0]) \(fields[2]) \(fields[3])"
        }
      }
      #expect(numbers(database.passwd) == numbers(try contents("\(root.path)/etc/passwd")))
      #expect(numbers(database.group) == numbers(try contents("\(root.path)/etc/group")))
      let shadow = String(decoding: try contents("\(root.path)/etc/shadow"), as: UTF8.self)
      let locked = shadow.split(separator: "\n").filter { $0.contains("systemd-network") }
      let ours = String(decoding: database.shadow, as: UTF8.self)
      // An expired account is marked in the same field.
      #expect(locked.first?.split(separator: ":", omittingEmptySubsequences: false)[7] == "1")
      #expect(ours.contains("systemd-network:!*::::::1:\n"))
    }
  }

  @Test func tmpfilesOfTheSystemAreUnderstood() async throws {
    try await withRoot { root in
      let lines = try files(root, "/usr/lib/tmpfiles.d", ".conf").flatMap {
        try Tmpfiles.parse($0.1, file: $0.0)
      }
      #expect(lines.count > 60)
      let actions = try Tmpfiles.buildActions(lines)
      #expect(
        actions.contains(
          .symlink(
            path: "/etc/mtab", target: "../proc/self/mounts", replaces: true, onlyIfTargetExists: false)))
      #expect(actions.contains { if case .directory("/etc/credstore", _) = $0 { true } else { false } })
    }
  }

  @Test func unitsAreEnabledAsSystemctlDoes() async throws {
    try await withRoot { root in
      let directory = "/usr/lib/systemd/system"
      var presets = Presets()
      for (path, bytes) in try files(root, "/usr/lib/systemd/system-preset", ".preset") {
        try presets.append(bytes, file: path)
      }
      var units: [String: UnitEnablement.Unit] = [:]
      for (path, bytes) in try files(root, directory, "") {
        guard let name = UnitName(String(path.split(separator: "/").last ?? "")) else { continue }
        let unit = UnitEnablement.Unit(name: name, path: path, file: try UnitFile.parse(bytes, file: path))
        _ = try unit.file.executables()
        units[name.text] = unit
      }
      #expect(units.count > 150)
      let ours = try UnitEnablement.links(presets: presets, names: units.values.map(\.name)) {
        units[$0.text]
      }
      // Packages ship no links of their own here, or they would count as systemctl's.
      let base = "\(root.path)/etc/systemd/system"
      try? FileManager.default.removeItem(atPath: base)
      let output = try root.run(
        "/usr/bin/systemctl", ["--root=\(root.path)", "preset-all", "--preset-mode=enable-only"])
      #expect(output.status == 0, "\(output.standardError)")
      var theirs: [String: String] = [:]
      for case let path as String in try #require(FileManager.default.enumerator(atPath: base)) {
        theirs[path] = try? FileManager.default.destinationOfSymbolicLink(atPath: "\(base)/\(path)")
      }
      #expect(ours.count > 10)
      #expect(Dictionary(uniqueKeysWithValues: ours.map { ($0.path, $0.target) }) == theirs)
    }
  }
}
