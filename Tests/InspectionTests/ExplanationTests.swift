import ImageBuilder
import Inspection
import TestSupport
import Testing

@Suite("explain", .enabled(if: BuiltReleases.isReady, BuiltReleases.whyNot))
struct ExplanationTests {
  private func explain(_ path: String) async throws -> Explanation {
    try Explanation(path, in: ReleaseImage(await BuiltReleases.pair().new))
  }

  @Test("a package's file, through merged-/usr: package, signed archive, chain of reasons")
  func package() async throws {
    let explanation = try await explain("/lib/systemd/systemd")
    #expect(explanation.path == "/usr/lib/systemd/systemd")
    #expect(explanation.links == ["/lib → usr/lib"])
    #expect(explanation.pack == "package systemd")
    let package = try #require(explanation.package)
    #expect(package.name == "systemd" && package.file.hasSuffix(".deb") && package.sha256.count == 64)
    #expect(package.suites.contains { $0.suite == "trixie" && $0.signed.hasSuffix("Z") })
    #expect(
      explanation.why.prefix(2) == ["image minimal uses component base", "component base asks for systemd"])
  }

  @Test("the manifest's and the builder's own files, links, directories")
  func others() async throws {
    let file = try await explain("etc/probe")
    #expect(file.pack == "image minimal" && file.mode == "0640" && file.size == 4)
    // printf 'new\n' | sha256sum
    #expect(file.sha256 == "7aa7a5359173d05b63cfd682e3c38487f3cb4f7f1d60659fe59fab1505977d4c")
    #expect(file.why == ["manifests/minimal.yaml declares it"])
    #expect(try await explain("/etc/probe-link").path == "/etc/probe")
    let passwd = try await explain("/etc/passwd")
    #expect(passwd.pack == "netimg" && passwd.package == nil)
    let image = try ReleaseImage(await BuiltReleases.pair().new)
    let configuration = try await explain("usr/lib/modules/\(image.release.kernel.release)/config")
    #expect(configuration.why == ["netimg keeps the kernel's configuration from its package's /boot"])
    let report = try await explain("/usr/lib/systemd/system/netimg-report.service")
    #expect(report.why == ["image minimal uses component base", "images/base declares it"])
    let unit = try await explain("/usr/bin/udevadm")
    #expect(unit.capabilities == ["cap_net_admin", "cap_bpf"])
    #expect(try await explain("/").kind == "directory")
  }

  @Test("a path that is not there: the part that is missing")
  func missing() async throws {
    let image = try ReleaseImage(await BuiltReleases.pair().new)
    #expect {
      try Explanation("/lib/nothing/here", in: image)
    } throws: {
      ($0 as? InspectionError)?.code == .notFound && "\($0)".contains("/usr/lib/nothing is not in")
    }
  }
}
