import Foundation
import TestSupport
import Testing

@Suite("the UKI, measured by others", .serialized, .enabled(if: Bench.isReady, Bench.whyNot))
struct MeasureTests {
  /// A package file of the sample's lock, from the store.
  private struct Locked: Decodable {
    struct Package: Decodable {
      let name: String
      let size: Int
      let sha256: String

      var path: String { "\(Bench.store)/blobs/sha256/\(sha256.prefix(2))/\(sha256.dropFirst(2))" }
    }
    let packages: [Package]
  }

  @Test(
    "trixie's own systemd-measure computes the PCR 11 that the release promises",
    .enabled(
      if: findTool("dpkg-deb") != nil && findTool("objcopy") != nil,
      "dpkg-deb or objcopy (binutils) is missing"))
  func systemdMeasure() async throws {
    let release = try await Bench.release()
    let directory = "\(Bench.scratch)/measure"
    let root = "\(directory)/root"
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    let lock = try JSONDecoder().decode(
      Locked.self,
      from: Data(
        contentsOf: URL(fileURLWithPath: "\(Bench.scratch)/checkout-shared/manifests/minimal.lock.json")))
    // The image's own systemd with the image's own libraries: nothing of the host but its kernel.
    for package in lock.packages where package.size < 10 << 20 {
      let result = try run(["dpkg-deb", "-x", package.path, root])
      #expect(result.status == 0, "\(package.name): \(result.errorText)")
    }
    var arguments: [String] = []
    for section in ["linux", "osrel", "cmdline", "initrd", "uname", "sbat"] {
      let file = "\(directory)/\(section)"
      let result = try run(
        [
          "objcopy", "-O", "binary", "--dump-section", ".\(section)=\(file)", "\(release.path)/uki.efi",
          "/dev/null",
        ])
      #expect(result.status == 0, "\(section): \(result.errorText)")
      arguments.append("--\(section)=\(file)")
    }
    let libraries = "\(root)/usr/lib/x86_64-linux-gnu"
    let result = try run(
      ["\(libraries)/ld-linux-x86-64.so.2", "--library-path", "\(libraries):\(libraries)/systemd"]
        + [
          "\(root)/usr/lib/systemd/systemd-measure", "calculate", "--bank=sha256", "--phase=", "--json=short",
        ]
        + arguments)
    #expect(result.status == 0, "\(result.errorText)")
    #expect(result.text.contains(release.pcr11), "\(result.text)")
  }
}
