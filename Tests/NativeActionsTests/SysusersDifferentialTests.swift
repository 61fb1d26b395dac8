import Foundation
import TestSupport
import Testing

@testable import NativeActions

/// Random declarations, numbered by us and by systemd.
@Suite struct SysusersDifferentialTests {
  private static let passwd = "root:x:0:0:root:/root:/bin/sh\ntaken:x:997:997::/:/x\nother:x:990:100::/:/x\n"
  private static let group = "root:x:0:\nusers:x:100:root\ntaken:x:997:\nlone:x:995:\n"

  /// Declarations that cannot clash: where systemd warns and goes on, we stop.
  private func declarations(_ generator: inout SeededGenerator) -> String {
    var lines: [String] = []
    var fixed = Array(200..<300)
    fixed.shuffle(using: &generator)
    for index in 0..<Int.random(in: 1...25, using: &generator) {
      switch Int.random(in: 0..<8, using: &generator) {
      case 0: lines.append("g group\(index) -")
      case 1: lines.append("g group\(index) \(fixed.removeLast())")
      case 2: lines.append("u user\(index) \(fixed.removeLast()) \"The user \(index)\" /srv/\(index)")
      case 3: lines.append("u user\(index) -:users")
      case 4: lines.append("u user\(index) \(fixed.removeLast()):100")
      case 5:
        lines.append(
          "m member\(index) \(["users", "extra", "lone"].randomElement(using: &generator) ?? "users")")
      case 6: lines += ["g both\(index) -", "u both\(index) - - /both"]
      default: lines.append("u user\(index) -")
      }
    }
    return lines.shuffled(using: &generator).joined(separator: "\n") + "\n"
  }

  @Test(
    .enabled(if: HostProgram.exists("systemd-sysusers"), "systemd-sysusers (systemd) is missing"),
    arguments: 0..<12 as Range<UInt64>)
  func agreesWithSystemdSysusers(_ seed: UInt64) async throws {
    let program = try #require(HostProgram("systemd-sysusers"))
    var generator = SeededGenerator(seed: seed)
    let text = declarations(&generator)
    var database = try AccountDatabase(
      passwd: [UInt8](Self.passwd.utf8), passwdFile: "passwd", group: [UInt8](Self.group.utf8),
      groupFile: "group")
    try database.add(try Sysusers.parse([UInt8](text.utf8), file: "test.conf"))
    try await withScratchDirectory { scratch in
      let root = scratch.path
      try write(Self.passwd, to: "\(root)/etc/passwd")
      try write(Self.group, to: "\(root)/etc/group")
      try write(text, to: "\(root)/usr/lib/sysusers.d/test.conf")
      _ = try program.succeed(["--root=\(root)"])
      func columns(_ bytes: [UInt8], _ columns: [Int]) -> [[String]] {
        String(decoding: bytes, as: UTF8.self).split(separator: "\n").map { line in
          let fields = line.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
          return columns.map { fields[$0] }
        }
      }
      #expect(
        columns(database.passwd, [0, 2, 3, 4, 5])
          == columns(try contents("\(root)/etc/passwd"), [0, 2, 3, 4, 5]),
        "\(text)")
      #expect(
        columns(database.group, [0, 2, 3]) == columns(try contents("\(root)/etc/group"), [0, 2, 3]), "\(text)"
      )
    }
  }

  @Test func theOrderOfFilesDecidesAndNothingElse() throws {
    var generator = SeededGenerator(seed: 99)
    let lines = try Sysusers.parse([UInt8](declarations(&generator).utf8), file: "test.conf")
    var results: Set<[UInt8]> = []
    for _ in 0..<5 {
      var database = AccountDatabase.minimal
      try database.add(
        [Sysusers.Line(origin: "x", request: .group(name: "users", identifier: .fixed(100)))] + lines)
      results.insert(database.passwd + database.group + database.shadow + database.gshadow)
    }
    #expect(results.count == 1)
  }
}
