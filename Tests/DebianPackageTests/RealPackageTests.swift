import Foundation
import TestSupport
import Testing

@testable import DebianPackage

/// Packages of the archive that this machine's apt knows, against dpkg-deb and tar: needs the network.
@Suite struct RealPackageTests {
  /// Small packages with hard links, deep paths, names beyond ASCII and many files.
  private static let names = ["perl-base", "ca-certificates", "base-files", "libc-bin"]

  private static let downloads: URL? = {
    guard Tool.exists("apt-get", "dpkg-deb", "tar") else { return nil }
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
      "netimg-debs-\(UUID().uuidString)")
    try? FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    let result = try? Tool.run("apt-get", ["-qq", "download"] + names, in: directory)
    guard result?.status == 0 else {
      try? FileManager.default.removeItem(at: directory)
      return nil
    }
    return directory
  }()

  @Test(.enabled(if: downloads != nil, "needs apt-get with lists, and its archive within reach"))
  func listingsAndContentsAgree() throws {
    let directory = try #require(Self.downloads)
    defer { try? FileManager.default.removeItem(at: directory) }
    let files = try FileManager.default.contentsOfDirectory(atPath: directory.path).filter {
      $0.hasSuffix(".deb")
    }
    #expect(files.count == Self.names.count)
    for file in files.sorted() {
      let path = directory.appendingPathComponent(file).path
      let package = try DebFile(bytes: [UInt8](Data(contentsOf: URL(fileURLWithPath: path))), name: file)
      let field = try Tool.must("dpkg-deb", ["--field", path, "Package", "Version", "Architecture"])
      let expected = try ControlParagraph.parseSingle(field, file: file)
      #expect(package.packageName == expected["Package"])
      #expect(package.version.description == expected["Version"])
      #expect(package.architecture == expected["Architecture"])
      try DebFileTests.compareWithTar(path, package.entries { _, _ in true })
    }
  }
}
