/// Why the builder makes a file itself, by its path.
enum GeneratedFile {
  private static let reasons: [(prefix: String, reason: String)] = [
    ("etc/ld.so.cache", "netimg writes the library cache, as ldconfig would"),
    ("etc/passwd", "netimg writes the accounts of sysusers.d, scripts and manifests"),
    ("etc/group", "netimg writes the accounts of sysusers.d, scripts and manifests"),
    ("etc/shadow", "netimg writes the accounts of sysusers.d, scripts and manifests; all are locked"),
    ("etc/gshadow", "netimg writes the accounts of sysusers.d, scripts and manifests; all are locked"),
    ("etc/alternatives/", "netimg chooses alternatives, as update-alternatives would"),
    ("etc/ssl/certs/", "netimg bundles certificates, as update-ca-certificates would"),
    ("etc/systemd/system/", "a unit is enabled or masked by a manifest, as systemctl would"),
    ("etc/sysctl.d/60-netimg.conf", "manifests set these under sysctls:"),
    ("usr/lib/systemd/system-preset/", "the preset says what the manifests enable, and nothing else"),
    ("usr/lib/os-release", "netimg writes which image this is"),
    ("etc/os-release", "netimg writes which image this is"),
    ("usr/lib/modules/", "netimg writes the indexes of the modules chosen, as depmod would"),
    ("usr/lib/tmpfiles.d/", "what packages ship below /var is made anew at each boot"),
    ("usr/share/factory/", "what packages ship below /var is made anew at each boot"),
    ("var/lib/dpkg/status.d/", "netimg lists the packages for scanners"),
  ]

  static func reason(_ path: String) -> String {
    if path.hasPrefix("usr/lib/modules/"), path.hasSuffix("/config") {
      return "netimg keeps the kernel's configuration from its package's /boot"
    }
    return reasons.first { path == $0.prefix || $0.prefix.hasSuffix("/") && path.hasPrefix($0.prefix) }?
      .reason
      ?? "netimg makes it: as a directory above what inputs ship, or in the place of a maintainer script"
  }
}
