import Foundation
import Testing

/// Debian 13 unpacked from a directory of its packages, so that its own tools can judge: they are newer than the
/// host's. Set `NETIMG_TEST_DEBS` to a directory with kmod, libkmod2, libc6, libzstd1, liblzma5, libssl3t64, zlib1g,
/// a linux-image, systemd and libsystemd-shared.
struct TrixieRoot {
  static let packages = ProcessInfo.processInfo.environment["NETIMG_TEST_DEBS"]
  static let isAvailable = packages != nil && HostProgram.exists("dpkg-deb") && HostProgram.exists("xz")
  static let hint: Comment =
    "set NETIMG_TEST_DEBS to a directory with Debian 13's kmod, systemd, linux-image and libraries"

  let path: String

  /// Unpacks the packages whose file names begin so.
  init(_ path: String, unpacking names: [String]) throws {
    self.path = path
    let directory = try #require(Self.packages)
    let unpack = try #require(HostProgram("dpkg-deb"))
    for file in try FileManager.default.contentsOfDirectory(atPath: directory).sorted()
    where file.hasSuffix(".deb") && names.contains(where: { file.hasPrefix($0) }) {
      _ = try unpack.succeed(["-x", "\(directory)/\(file)", path])
    }
  }

  /// Runs one of its programs through its own dynamic loader.
  func run(_ program: String, named name: String? = nil, _ arguments: [String]) throws -> HostProgram.Output {
    let libraries = "\(path)/usr/lib/x86_64-linux-gnu"
    let loader = try #require(HostProgram(path: "\(libraries)/ld-linux-x86-64.so.2"))
    return try loader.run(
      ["--library-path", "\(libraries):\(libraries)/systemd"] + (name.map { ["--argv0", $0] } ?? [])
        + ["\(path)\(program)"] + arguments)
  }
}
