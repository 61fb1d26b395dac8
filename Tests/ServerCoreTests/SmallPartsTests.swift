import BootTypes
import Foundation
import Logging
import NetworkTypes
import ServerCore
import Synchronization
import Testing

@Suite struct RequestTargetTests {
  @Test(
    arguments: [
      ("/", [], [:]), ("/a/b", ["a", "b"], [:]), ("//a///b/", ["a", "b"], [:]), ("/a%20b", ["a b"], [:]),
      ("/a?x=1&y=%41&z", ["a"], ["x": "1", "y": "A", "z": ""]), ("http://h:80/a?b=c", ["a"], ["b": "c"]),
      ("http://h", [], [:]), ("/%C3%A9", ["é"], [:]),
      ("/a?x=${serial:uristring}", ["a"], ["x": "${serial:uristring}"]),
    ] as [(String, [String], [String: String])])
  func targetsAreTakenApart(_ text: String, _ path: [String], _ query: [String: String]) throws {
    let target = try #require(RequestTarget.parse(text))
    #expect(target.path == path)
    #expect(Dictionary(uniqueKeysWithValues: target.query.map { ($0.name, $0.value) }) == query)
  }

  @Test(arguments: [
    "", "a", "*", "/..", "/a/../b", "/.", "/%2e%2e/x", "/a%2fb", "/a%00b", "/a%0a", "/%", "/%4", "/%zz",
    "/%ff", "/a%7f",
    "/" + String(repeating: "x", count: 2048), "/?" + String(repeating: "a&", count: 40),
  ])
  func whatIsNoTargetIsRefused(_ text: String) { #expect(RequestTarget.parse(text) == nil) }
}

@Suite struct ByteRangeTests {
  @Test(
    arguments: [
      (nil, .whole), ("bytes=0-9", .part(0..<10)), ("bytes=5-", .part(5..<100)),
      ("bytes=-10", .part(90..<100)),
      ("bytes=-1000", .part(0..<100)), ("bytes=90-1000", .part(90..<100)), ("bytes=99-99", .part(99..<100)),
      ("bytes=100-", .unsatisfiable), ("bytes=-0", .unsatisfiable), ("bytes=9-5", .whole),
      ("bytes=-", .whole),
      ("bytes=0-1,3-4", .whole), ("bytes=a-b", .whole), ("lines=1-2", .whole), ("bytes=1", .whole),
      ("bytes=99999999999999999999-", .whole), ("bytes=" + String(repeating: "0-,", count: 2000), .whole),
      ("Bytes=0-0", .part(0..<1)),
    ] as [(String?, ByteRange)])
  func rangesAsTheRFCSays(_ header: String?, _ expected: ByteRange) {
    #expect(ByteRange.parse(header, size: 100) == expected)
  }

  @Test func anEmptyFileHasNoRange() {
    #expect(ByteRange.parse("bytes=0-", size: 0) == .unsatisfiable)
    #expect(ByteRange.parse("bytes=-5", size: 0) == .unsatisfiable)
  }
}

@Suite struct MetricsTests {
  @Test func theTextIsSortedTypedAndEscaped() {
    let registry = MetricsRegistry()
    let plain = registry.counter("netimg_b_total", "B.")
    let labelled = registry.counter("netimg_a_total", label: "end", "A.")
    registry.gauge("netimg_c", "C.") { 1.5 }
    plain.increment()
    plain.increment(by: 4)
    labelled.increment("z")
    labelled.increment("a\"\\\n", by: 2)
    #expect(
      registry.exposition() == """
        # HELP netimg_a_total A.
        # TYPE netimg_a_total counter
        netimg_a_total{end="a\\"\\\\\\n"} 2
        netimg_a_total{end="z"} 1
        # HELP netimg_b_total B.
        # TYPE netimg_b_total counter
        netimg_b_total 5
        # HELP netimg_c C.
        # TYPE netimg_c gauge
        netimg_c 1.5

        """)
  }

  @Test func manyThreadsCountTogether() async {
    let counter = MetricsRegistry().counter("x", "X.")
    await withTaskGroup(of: Void.self) { group in
      for _ in 0..<8 { group.addTask { for _ in 0..<1000 { counter.increment() } } }
    }
    #expect(counter.value == 8000)
  }
}

@Suite struct LogWriterTests {
  private func lines(_ format: LogWriter.Format, _ body: (Logger) -> Void) -> [String] {
    let output = Lines()
    body(Logger(label: "t") { _ in LogWriter(label: "t", format: format, level: .info) { output.add($0) } })
    return output.all
  }

  private final class Lines: Sendable {
    private let texts = Mutex<[String]>([])
    func add(_ text: String) { texts.withLock { $0.append(text) } }
    var all: [String] { texts.withLock(\.self) }
  }

  @Test func linesForPeople() throws {
    let lines = lines(.text) { logger in
      logger.info("hello", metadata: ["b": "two words", "a": "1"])
      logger.debug("not this")
      logger.warning("bad\u{1b}[31m\nname")
    }
    try #require(lines.count == 2)
    #expect(lines[0].hasSuffix(" info t: hello a=1 b=\"two words\"\n"))
    #expect(lines[0].prefix(24).wholeMatch(of: #/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/#) != nil)
    // What a device says of itself makes no second line and no colours.
    #expect(lines[1].hasSuffix("bad\u{FFFD}[31m\u{FFFD}name\n"))
  }

  @Test func objectsForPrograms() throws {
    let lines = lines(.json) { $0.error("quote \" back \\ line\n\u{1}é", metadata: ["k": "v\u{7f}"]) }
    let object = try #require(
      try JSONSerialization.jsonObject(with: Data(lines[0].utf8)) as? [String: String])
    #expect(object["message"] == "quote \" back \\ line\n\u{1}é" && object["k"] == "v\u{7f}")
    #expect(
      object["level"] == "error" && object["logger"] == "t" && lines[0].filter { $0 == "\n" }.count == 1)
  }
}

@Suite struct ConnectionLimitsTests {
  @Test func limitsInAllAndByAddress() throws {
    let (one, two) = (try #require(IPAddress("192.0.2.1")), try #require(IPAddress("2001:db8::1")))
    let limits = ConnectionLimits(total: 3, perPeer: 2)
    #expect(
      limits.open(one) && limits.open(one) && !limits.open(one) && limits.open(two) && !limits.open(two))
    limits.close(one)
    #expect(limits.count == 2 && limits.open(two))
    limits.change(total: 10, perPeer: 10)
    #expect(limits.open(one) && limits.open(two))
  }
}
