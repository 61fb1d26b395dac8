internal import DebianArchive
internal import DebianPackage
internal import Manifest

extension RootTree {
  /// Adds what says who this image is, and the empty places that the running system mounts over.
  mutating func addIdentity(_ inputs: BuildInputs) {
    for directory in ["dev", "etc", "home", "proc", "run", "srv", "sys", "var"] { putDirectory(directory) }
    putDirectory("tmp", mode: 0o1777)
    putDirectory("root", mode: 0o700)
    putFile("usr/lib/os-release", Array(Self.osRelease(inputs).utf8))
    putLink("etc/os-release", to: "../usr/lib/os-release")
    if self["etc/hostname"] == nil { putFile("etc/hostname", Array("\(inputs.image.name)\n".utf8)) }
    // Empty, not "uninitialized": systemd makes an identity of its own for each boot and mounts it over this.
    putFile("etc/machine-id", [], mode: 0o444)
  }

  /// os-release(5). It stays Debian's to scanners, which look packages up by ID and VERSION_ID.
  private static func osRelease(_ inputs: BuildInputs) -> String {
    let suite = inputs.image.suite.value.name
    let release = inputs.lock.archives.first { $0.suite == suite }?.version ?? ""
    let major = String(release.prefix { $0 != "." })
    var lines = [
      "PRETTY_NAME=\"\(inputs.image.name) \(inputs.version) (netimg, Debian \(suite))\"",
      "NAME=\"Debian GNU/Linux\"", "ID=debian", "VERSION_CODENAME=\(suite)",
    ]
    if !major.isEmpty { lines.append("VERSION_ID=\"\(major)\"") }
    lines += ["VARIANT_ID=netimg", "IMAGE_ID=\(inputs.image.name)", "IMAGE_VERSION=\(inputs.version)"]
    return lines.joined(separator: "\n") + "\n"
  }

  /// Adds `/etc/sysctl.d/60-netimg.conf` (sysctl.d(5)).
  mutating func addSysctls(_ sysctls: [Located<Sysctl>]) {
    guard !sysctls.isEmpty else { return }
    let lines = sysctls.sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
      .map { "\($0.name) = \($0.value.value)\n" }
    putFile("etc/sysctl.d/60-netimg.conf", Array(lines.joined().utf8))
  }

  /// Adds one file for each package below `/var/lib/dpkg/status.d`, where scanners look for the packages of images
  /// without dpkg.
  mutating func addPackageStatus(_ packages: [UnpackedPackage]) {
    for package in packages {
      var text = ""
      for field in package.control.fields {
        text +=
          "\(field.name): \(field.value.split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\n "))\n"
        if field.name == "Package" { text += "Status: install ok installed\n" }
      }
      putFile("var/lib/dpkg/status.d/\(package.name)", Array(text.utf8))
    }
  }
}
