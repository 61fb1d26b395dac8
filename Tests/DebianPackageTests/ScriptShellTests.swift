import Foundation
import TestSupport
import Testing

@testable import DebianPackage

/// The recogniser against a real shell: scripts of our own run with every tool replaced by one that only notes how
/// it was called. What the shell calls must be what was recognised, and nothing foreign may be called by a script
/// that counts as understood.
@Suite(.enabled(if: Tool.exists("dash", "dpkg"), "needs dash and dpkg"))
struct ScriptShellTests {
  private static let tools = [
    "ldconfig", "systemd-sysusers", "systemd-tmpfiles", "deb-systemd-helper", "deb-systemd-invoke", "depmod",
    "update-alternatives", "update-rc.d", "foreign",
  ]

  /// Runs many scripts in one shell each; answers, for each, the calls that were made.
  private func run(_ scripts: [String], in directory: URL) throws -> [[String]] {
    let tools = directory.appendingPathComponent("tools")
    try FileManager.default.createDirectory(at: tools, withIntermediateDirectories: true)
    for tool in Self.tools {
      let file = tools.appendingPathComponent(tool)
      try Data("#!/bin/sh\necho \"\(tool) $*\" >> \"$CALLS\"\n".utf8).write(to: file)
      try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file.path)
    }
    let dpkg = try #require(Tool.path("dpkg"))
    try FileManager.default.createSymbolicLink(
      atPath: tools.appendingPathComponent("dpkg").path, withDestinationPath: dpkg)
    let shell = try #require(Tool.path("dash"))
    var driver = ""
    for (index, script) in scripts.enumerated() {
      try Data("#!/bin/sh\n\(script)\n".utf8).write(to: directory.appendingPathComponent("\(index).sh"))
      driver +=
        "CALLS=\(index).calls PATH=tools DPKG_ROOT= \(shell) \(index).sh configure '' > \(index).out 2>&1 || :\n"
    }
    try Tool.must("sh", [], input: Array(driver.utf8), in: directory)
    return try scripts.indices.map { index in
      let output = try String(contentsOf: directory.appendingPathComponent("\(index).out"), encoding: .utf8)
      let calls = try? String(contentsOf: directory.appendingPathComponent("\(index).calls"), encoding: .utf8)
      // A command that is not there, or a syntax error, is as foreign as one that is.
      let bad = output.contains("not found") || output.contains("yntax error") ? ["foreign: \(output)"] : []
      return bad + (calls ?? "").split(separator: "\n").map(String.init)
    }
  }

  /// The action behind a noted call.
  private func action(_ call: String) -> ScriptAction? {
    let words = call.split(separator: " ").map(String.init)
    switch words[0] {
    case "ldconfig": return .ldconfig
    case "depmod": return .depmod
    case "systemd-sysusers": return .sysusers(words[1])
    case "systemd-tmpfiles": return .tmpfiles(words[2])
    case "deb-systemd-helper" where words[1] == "enable": return .units(words[2])
    default: return nil
    }
  }

  @Test func compareVersionsWithoutAnEarlierVersion() async throws {
    try await withScratchDirectory { directory in
      let operations = ["lt", "le", "eq", "ne", "ge", "gt", "lt-nl", "le-nl", "ge-nl", "gt-nl"]
      let pairs = operations.flatMap { operation in
        ["\"$2\"", "1.0", "2.0", "1:0~"].map {
          "if dpkg --compare-versions \($0) \(operation) 1.0; then ldconfig; fi"
        }
      }
      for (script, calls) in zip(pairs, try run(pairs, in: directory)) {
        let ours = ScriptClassifierTests.classify(script)
        #expect(ours.class == .known)
        #expect(ours.actions == calls.compactMap(action), "\(script)")
      }
    }
  }

  @Test func randomScriptsMeanWhatTheShellMakesOfThem() async throws {
    try await withScratchDirectory { directory in
      var generator = SplitMix64(state: 0x9E37_79B9_7F4A_7C15)
      let scripts = (0..<600).map { _ in
        "set -e\n"
          + (0..<Int.random(in: 1...4, using: &generator)).map { _ in Self.statement(3, &generator) }
          .joined(separator: "\n")
      }
      var understood = 0
      for (script, calls) in zip(scripts, try run(scripts, in: directory)) {
        let ours = ScriptClassifierTests.classify(script)
        guard ours.class != .unknown else { continue }
        understood += 1
        #expect(!calls.contains { $0.hasPrefix("foreign") }, "\(script)\n\(calls)")
        #expect(Set(ours.actions).isSuperset(of: calls.compactMap(action)), "\(script)\n\(calls)")
        if ours.class == .inert { #expect(calls.isEmpty, "\(script)") }
      }
      // Enough of either sort, or the comparison says little.
      #expect(understood > 100)
      #expect(understood < 500)
    }
  }

  private static func statement(_ depth: Int, _ generator: inout SplitMix64) -> String {
    let simple = [
      "ldconfig", "ldconfig >/dev/null 2>&1 || true", "systemd-sysusers a.conf",
      "systemd-tmpfiles --create b.conf",
      "deb-systemd-helper enable c.service >/dev/null || true", "depmod $v", "v=6.1", "v=\"$1\"",
      "w=\"$v$2\"", "true",
      "update-rc.d x defaults", "foreign", "exit 0", ":", "deb-systemd-invoke start 'x y'",
      "echo \"$v\" '#' \\; # no",
      "\\\n ldconfig", "true 'a\n b' \"fi\"", "[ \"$w\" != x ]", "ldconfig;true", "foreign || :",
      "true || foreign",
      "false && foreign", "[ \"$1\" = other ] && foreign", "! false", "depmod 6.2 # ; foreign", "\"foreign\"",
    ]
    guard depth > 0, Bool.random(using: &generator) else {
      return simple.randomElement(using: &generator) ?? ":"
    }
    func inner() -> String { statement(depth - 1, &generator) }
    func test() -> String {
      let tests = [
        "[ \"$1\" = configure ]", "[ \"$1\" = triggered ]", "[ -n \"$2\" ]", "[ -z \"$2\" ]",
        "[ -d /run/systemd/system ]",
        "[ -e /etc/passwd ]", "[ -x \"$(command -v ldconfig)\" ]", "! [ -n \"$1\" ]", "[ \"$v\" = 6.1 ]",
        "test a = a",
        "[ \"$1\" = x -o \"$1\" = configure ]", "[ x -a \"$2\" ]", "[ ! \"$2\" ]",
        "dpkg --compare-versions \"$2\" lt 2",
        "[ -z \"$DPKG_ROOT\" ]", "[ ! -n \"$2\" -a 1 -lt 2 ]", "true", "false", "[ \"x$w\" = x6.1 ]",
        "dpkg --compare-versions \"$2\" gt 2", "[ -f /nonexistent ]",
      ]
      return tests.randomElement(using: &generator) ?? "true"
    }
    switch Int.random(in: 0..<10, using: &generator) {
    case 0: return "if \(test()); then\n\(inner())\nfi"
    case 1: return "if \(test()) && \(test()); then \(inner())\nelse \(inner())\nfi"
    case 2: return "if \(test()); then\n\(inner())\nelif \(test()); then\n\(inner())\nelse\n\(inner())\nfi"
    case 3: return "case \"$1\" in\n  a|configure) \(inner())\n;;\n *) \(inner())\n;;\nesac"
    case 4: return "case $1 in \"*\") \(inner())\n;; (configure) \(inner())\nesac"
    case 5: return "if \(test()) || \(test()); then \(inner())\nfi"
    case 6: return "\(test()) && {\n\(inner())\n} || true"
    case 7: return "if \(test()) && { \(inner())\n }; then \(inner())\nfi"
    case 8: return "{ \(inner())\n\(inner())\n}"
    default: return "\(test()) || {\n\(inner())\n}"
    }
  }
}
