import Testing

@testable import DebianPackage

@Suite struct ScriptActionTests {
  private static let actions: [(String, ScriptAction)] = [
    ("ldconfig", .ldconfig), ("depmod", .depmod), ("ca-certificates", .caCertificates),
    ("sysusers:frr.conf", .sysusers("frr.conf")),
    ("tmpfiles:static-nodes.conf", .tmpfiles("static-nodes.conf")),
    ("units:frr.service", .units("frr.service")), ("units:a@b\\x2dc.timer", .units("a@b\\x2dc.timer")),
    (
      "alternative:/usr/bin/mt:mt:/bin/mt-gnu:-10",
      .alternative(.init(link: "/usr/bin/mt", name: "mt", path: "/bin/mt-gnu"), priority: -10, slaves: [])
    ),
    (
      "alternative:/a:b:/c:1:/d:e.1.gz:/f:/g:[:/h",
      .alternative(
        .init(link: "/a", name: "b", path: "/c"), priority: 1,
        slaves: [.init(link: "/d", name: "e.1.gz", path: "/f"), .init(link: "/g", name: "[", path: "/h")])
    ),
  ]

  @Test func descriptionsAreStableAndReadBack() {
    for (text, action) in Self.actions {
      #expect(action.description == text)
      #expect(ScriptAction(text) == action)
    }
  }

  @Test(arguments: [
    "", "ldconfig:", "ldconfig ", "Ldconfig", "unknown", "sysusers", "sysusers:", "sysusers:a",
    "sysusers:../a.conf",
    "sysusers:a/b.conf", "sysusers:-a.conf", "tmpfiles:.conf", "tmpfiles:a.conf:b", "units:frr",
    "units:.service",
    "units:a/b.service", "units:a b.service", "alternative", "alternative:/a:b:/c", "alternative:/a:b:/c:x",
    "alternative:/a:b:/c:+1", "alternative:/a:b:/c:01", "alternative:a:b:/c:1", "alternative:/a:b/c:/c:1",
    "alternative:/a/../b:b:/c:1", "alternative:/a:b:/c:1:/d", "alternative:/a:b:/c:1:/d:e",
    "alternative:/a:b:c:1",
    "alternative:/a:b:/c:1:/d:e:f", "alternative:/a//b:b:/c:1", "alternative:/:b:/c:1",
    "alternative:/a b:b:/c:1",
    "alternative:/a:b:/c:99999999999999999999", "units:a\n.service",
  ])
  func whatNobodyWritesIsRefused(_ text: String) {
    #expect(ScriptAction(text) == nil)
  }

  @Test func everyPrefixIsAnotherActionOrNone() {
    for (text, action) in Self.actions {
      for length in 0..<text.count {
        #expect(ScriptAction(String(text.prefix(length))) != action)
      }
    }
  }
}

@Suite struct TriggerClassifierTests {
  private func classify(_ text: String) throws -> [TriggerClassification] {
    try TriggerClassifier.classify(Array(text.utf8), file: "demo.deb: triggers")
  }

  @Test func activationsAreKnownAndInterestsInert() throws {
    let text = """
      # Triggers added by dh_makeshlibs/13.24.2
      activate-noawait ldconfig
      activate update-ca-certificates
      \tactivate-await   update-initramfs  # ours

      interest-noawait /usr/lib/udev/hwdb.d
      interest libc-upgrade
      """
    let lines = try classify(text)
    #expect(
      lines.map(\.text) == [
        "activate-noawait ldconfig", "activate update-ca-certificates", "activate-await update-initramfs",
        "interest-noawait /usr/lib/udev/hwdb.d", "interest libc-upgrade",
      ])
    #expect(lines.map(\.line) == [2, 3, 4, 6, 7])
    #expect(lines.map(\.class) == [.known, .known, .known, .inert, .inert])
    #expect(lines.map(\.action) == [.ldconfig, .caCertificates, nil, nil, nil])
    #expect(try classify("").isEmpty)
  }

  @Test(arguments: [
    "run ldconfig", "activate", "activate a b", "activate-now x", "interest \u{E9}", "\u{0} x",
  ])
  func otherDirectivesAreRefused(_ line: String) {
    #expect {
      try classify("# head\n\(line)\n")
    } throws: {
      guard let error = $0 as? DebianPackageError else { return false }
      return error.code == .malformedTriggers && error.description.hasPrefix("demo.deb: triggers:2:")
    }
  }

  @Test func tooManyLinesAreRefused() {
    #expect {
      try classify(String(repeating: "activate ldconfig\n", count: 10_001))
    } throws: {
      ($0 as? DebianPackageError)?.code == .limit
    }
  }

  @Test func everyPrefixIsSafe() {
    let text = "activate-noawait ldconfig\ninterest /usr/lib/x\n"
    for length in 0...text.utf8.count {
      guard let lines = try? classify(String(text.prefix(length))) else { continue }
      #expect(lines.count <= 2)
    }
  }
}
