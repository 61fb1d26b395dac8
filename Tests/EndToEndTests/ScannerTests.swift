import Foundation
import TestSupport
import Testing

/// `/var/lib/dpkg/status.d` of a real image, read by Debian's own programs.
@Suite("what scanners find in the image", .enabled(if: Bench.isReady, Bench.whyNot))
struct ScannerTests {
  private struct Lock: Decodable {
    struct Package: Decodable {
      let name: String
      let version: String
      let architecture: String
      let role: String
    }
    let packages: [Package]
  }

  /// The image's root, extracted once.
  private static let extracted = Task { () throws -> String in
    let release = try await Bench.release()
    let path = "\(Bench.scratch)/scanned"
    let result = try Bench.netimg(["extract", release.path, "--to", path])
    guard result.status == 0 else { throw BenchError("extract: \(result.errorText)") }
    return path
  }

  /// `NAME VERSION ARCHITECTURE` of every package that the lock puts into the image, sorted.
  private func locked() async throws -> [String] {
    let release = try await Bench.release()
    let lock = try JSONDecoder().decode(Lock.self, from: Data(try release.bytes("lock.json")))
    return lock.packages.filter { $0.role == "image" }.map { "\($0.name) \($0.version) \($0.architecture)" }
      .sorted()
  }

  /// The files as one, as dpkg's own status file is; made once.
  private static let statusFile = Task { () throws -> String in
    let root = try await extracted.value
    let directory = "\(Bench.scratch)/scanned-dpkg"
    let script =
      "mkdir \(directory); for f in var/lib/dpkg/status.d/*; do cat $f; echo; done > \(directory)/status"
    let result = try run(["sh", "-c", script], directory: root)
    guard result.status == 0 else { throw BenchError("joining status.d: \(result.errorText)") }
    return "\(directory)/status"
  }

  private func sorted(_ text: String) -> [String] { text.split(separator: "\n").map(String.init).sorted() }

  @Test(
    "python-debian reads every file, and finds the lock's packages",
    .enabled(if: python(with: "debian.deb822") != nil, "python3-debian is missing"))
  func pythonDebian() async throws {
    let root = try await Self.extracted.value
    let script = """
      import os, sys
      from debian.deb822 import Packages
      for name in os.listdir(sys.argv[1]):
          paragraphs = list(Packages.iter_paragraphs(open(f"{sys.argv[1]}/{name}", "rb"), use_apt_pkg=False))
          assert len(paragraphs) == 1, name
          package = paragraphs[0]
          assert package["Package"] == name and package["Status"] == "install ok installed", name
          package.relations
          assert package["Description"], name
          print(package["Package"], package["Version"], package["Architecture"])
      """
    let program = try #require(python(with: "debian.deb822"))
    let result = try run([program, "-c", script, "\(root)/var/lib/dpkg/status.d"])
    #expect(result.status == 0, "\(result.errorText)")
    let expected = try await locked()
    #expect(expected.count > 20)
    #expect(sorted(result.text) == expected)
  }

  @Test(
    "dpkg-query lists the same packages", .enabled(if: findTool("dpkg-query") != nil, "dpkg-query is missing")
  )
  func dpkg() async throws {
    let directory = URL(fileURLWithPath: try await Self.statusFile.value).deletingLastPathComponent().path
    let result = try run([
      "dpkg-query", "--admindir", directory, "-W", "-f", "${Package} ${Version} ${Architecture}\\n",
    ])
    #expect(result.status == 0, "\(result.errorText)")
    let expected = try await locked()
    #expect(sorted(result.text) == expected)
  }

  @Test(
    "debsecan finds the vulnerability that one package has, by its source, and not the one that is fixed in it",
    .enabled(if: findTool("debsecan") != nil, "debsecan is missing"))
  func debsecan() async throws {
    let status = try await Self.statusFile.value
    let feed = "\(Bench.scratch)/feed"
    try FileManager.default.createDirectory(atPath: feed, withIntermediateDirectories: true)
    // The tracker's format, version 1: names; what they affect, up to which version; binaries of each source.
    let script = """
      import sys, zlib
      text = '''VERSION 1
      CVE-2999-0001,,not fixed yet
      CVE-2999-0002,,fixed long ago

      systemd,0,S ? ,,
      systemd,1,S ?F,200-1,

      systemd,systemd udev libsystemd0 libudev1

      '''
      open(sys.argv[1] + "/GENERIC", "wb").write(zlib.compress(text.encode()))
      """
    #expect(try run(["python3", "-c", script, feed]).status == 0)
    let result = try run(
      [
        "debsecan", "--source", "file://\(feed)/", "--status", status, "--format", "simple", "--config",
        "/dev/null",
      ])
    #expect(result.status == 0, "\(result.errorText)")
    let found = sorted(result.text)
    #expect(found.contains("CVE-2999-0001 systemd") && found.contains("CVE-2999-0001 udev"), "\(found)")
    #expect(found.allSatisfy { $0.hasPrefix("CVE-2999-0001 ") }, "\(found)")
    #expect(!found.contains("CVE-2999-0001 libc6"))
  }
}
