import Foundation
import Inspection
import TestSupport
import Testing

@Suite("diff", .enabled(if: BuiltReleases.isReady, BuiltReleases.whyNot))
struct ReleaseDifferenceTests {
  private func difference() async throws -> ReleaseDifference {
    let pair = try await BuiltReleases.pair()
    return try await ReleaseDifference(from: ReleaseImage(pair.old), to: ReleaseImage(pair.new))
  }

  @Test("what was added to the manifest is what differs, and nothing else")
  func everything() async throws {
    let difference = try await difference()
    #expect(difference.packages.isEmpty && difference.kernel.isEmpty)
    #expect(difference.files.removed == [])
    #expect(
      difference.files.added == [
        "/etc/probe", "/etc/probe-link", "/etc/systemd/system/probe.service",
        "/etc/systemd/system/probe.socket",
        "/etc/systemd/system/sockets.target.wants", "/etc/systemd/system/sockets.target.wants/probe.socket",
      ])
    let changed = Dictionary(uniqueKeysWithValues: difference.files.changed.map { ($0.path, $0.what) })
    #expect(changed["/usr/bin/udevadm"] == ["attributes"])
    #expect(changed["/usr/lib/systemd/systemd-sysctl"] == ["mode"])
    #expect(changed["/usr/lib/os-release"] == ["content"])
    #expect(Set(difference.units.added.map(\.name)) == ["probe.service", "probe.socket"])
    #expect(
      difference.listeners.added.map { "\($0.name): \($0.value)" }
        == ["tcp 2222: probe.socket", "unix /run/probe: probe.socket"])
    #expect(
      difference.capabilities.added.map { "\($0.name) \($0.value)" } == [
        "/usr/bin/udevadm cap_net_admin,cap_bpf"
      ])
    #expect(
      difference.setID.added.map { "\($0.name) \($0.value)" } == ["/usr/lib/systemd/systemd-sysctl 4755"])
    #expect(difference.exceptions.added.map(\.value) == ["a test of differences"])
    #expect(!difference.isEmpty)
  }

  @Test("the download is what a device lacks: exactly the frames that only the newer release has")
  func download() async throws {
    let pair = try await BuiltReleases.pair()
    let difference = try await difference()
    func frames(_ release: String) throws -> Set<String> {
      Set(try FileManager.default.contentsOfDirectory(atPath: "\(release)/frames"))
    }
    let missing = try frames(pair.new).subtracting(frames(pair.old))
    var bytes: UInt64 = 0
    for name in missing {
      let attributes = try FileManager.default.attributesOfItem(atPath: "\(pair.new)/frames/\(name)")
      bytes += (attributes[.size] as? NSNumber)?.uint64Value ?? 0
    }
    #expect(difference.download.frames == missing.count)
    #expect(difference.download.bytes == bytes)
    #expect(difference.download.bytes < difference.download.allBytes / 4, "a small change costs little")
  }

  @Test("a release and itself")
  func same() async throws {
    let pair = try await BuiltReleases.pair()
    let difference = try await ReleaseDifference(from: ReleaseImage(pair.old), to: ReleaseImage(pair.old))
    #expect(difference.isEmpty)
  }

  @Test("the command: --json is one object, --exit-code says 2")
  func command() async throws {
    let pair = try await BuiltReleases.pair()
    let result = try run([BuiltReleases.program, "diff", pair.old, pair.new, "--json", "--exit-code"])
    #expect(result.status == 2)
    let object = try JSONSerialization.jsonObject(with: Data(result.output)) as? [String: Any]
    #expect(object?["download"] != nil && object?["listeners"] != nil)
    #expect(try run([BuiltReleases.program, "diff", pair.old, pair.old, "--exit-code"]).status == 0)
  }
}
