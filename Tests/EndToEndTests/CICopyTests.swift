import Foundation
import TestSupport
import Testing

/// tools/ci-copy between two directories: what others did meanwhile stays.
@Suite("The copy of a CI job", .enabled(if: findTool("rsync") != nil, "rsync is missing"))
struct CICopyTests {
  private struct Place {
    let path: String

    func write(_ name: String, _ text: String) throws {
      let file = URL(fileURLWithPath: "\(path)/\(name)")
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(text.utf8).write(to: file)
    }

    func read(_ name: String) -> String? {
      FileManager.default.contents(atPath: "\(path)/\(name)").map { String(decoding: $0, as: UTF8.self) }
    }
  }

  private static func timestamp(_ version: Int, _ note: String = "") -> String {
    #"{"signatures":[],"signed":{"_type":"timestamp","expires":"\#(note)","meta":{"snapshot.json":{"length":1,"#
      + #""version":7}},"spec_version":"1.0.34","version":\#(version)}}"# + "\n"
  }

  private static func copy(_ from: Place, _ to: Place, online: Bool = false) throws -> (Int32, String) {
    let result = try run(
      ["\(Bench.repository)/tools/ci-copy", from.path, to.path],
      environment: online ? ["ONLINE": "server"] : [:])
    return (result.status, result.errorText)
  }

  @Test func nothingIsTakenBack() async throws {
    try await withScratchDirectory { scratch in
      let (job, host) = (Place(path: scratch.path + "/job"), Place(path: scratch.path + "/host"))
      for place in [job, host] {
        try place.write("metadata/1.root.json", "root")
        try place.write("metadata/timestamp.json", Self.timestamp(3))
        try place.write("targets/objects/aa/aa", "old")
      }
      try job.write("metadata/2.channel-dev.json", "by the job")
      try job.write("metadata/%lock", "")
      try job.write("targets/objects/bb/bb", "new")
      // Meanwhile the server signed, an operator attested.
      try host.write("metadata/timestamp.json", Self.timestamp(4))
      try host.write("targets/objects/aa/aa.dsse.json", "two signatures")
      try job.write("targets/objects/aa/aa.dsse.json", "one signature")
      #expect(try Self.copy(job, host).0 == 0)
      #expect(host.read("metadata/2.channel-dev.json") == "by the job")
      #expect(host.read("targets/objects/bb/bb") == "new")
      #expect(host.read("targets/objects/aa/aa.dsse.json") == "two signatures")
      #expect(host.read("metadata/timestamp.json") == Self.timestamp(4))
      #expect(host.read("metadata/%lock") == nil)
      // Nor an older timestamp, or another one of the same version.
      for version in [3, 4] {
        try job.write("metadata/timestamp.json", Self.timestamp(version, "x"))
        #expect(try Self.copy(job, host, online: true).0 == 1)
        #expect(host.read("metadata/timestamp.json") == Self.timestamp(4))
      }
      try job.write("metadata/timestamp.json", Self.timestamp(10))
      #expect(try Self.copy(job, host, online: true).0 == 0)
      #expect(host.read("metadata/timestamp.json") == Self.timestamp(10))
      #expect(try Self.copy(job, host, online: true).0 == 0)
    }
  }

  @Test func anotherMergeUnderTheSameVersionStops() async throws {
    try await withScratchDirectory { scratch in
      let (job, host) = (Place(path: scratch.path + "/job"), Place(path: scratch.path + "/host"))
      try job.write("targets/a", "a")
      try job.write("metadata/2.channel-dev.json", "by the job")
      try job.write("metadata/timestamp.json", Self.timestamp(9))
      try host.write("metadata/2.channel-dev.json", "by others")
      try host.write("metadata/timestamp.json", Self.timestamp(1))
      let (status, text) = try Self.copy(job, host, online: true)
      #expect(status == 1 && text.contains("2.channel-dev.json"), "\(text)")
      #expect(host.read("metadata/2.channel-dev.json") == "by others")
      #expect(host.read("metadata/timestamp.json") == Self.timestamp(1))
      #expect(host.read("targets/a") == nil)
    }
  }
}
