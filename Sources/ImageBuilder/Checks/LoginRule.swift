internal import NativeActions

extension Rule {
  /// What lets somebody in or makes them somebody else, and the units that start it.
  static let login = Rule(name: "login") { root in
    let names: Set<String> = [
      "agetty", "chfn", "chsh", "doas", "fbgetty", "fgetty", "gdm3", "getty", "gotty", "greetd", "in.rexecd",
      "in.rlogind", "in.rshd", "in.telnetd", "lightdm", "login", "mgetty", "mingetty", "newgrp", "ngetty",
      "opendoas",
      "pkexec", "qingy", "rlogind", "rshd", "run0", "runuser", "sddm", "sg", "shellinaboxd", "su", "sudo",
      "sudo-rs",
      "su-rs", "sudoedit", "sulogin", "systemd-debug-generator", "systemd-getty-generator",
      "systemd-sulogin-shell",
      "telnetd", "ttyd", "utelnetd", "uugetty", "xdm", "xrdp",
    ]
    var findings = root.programs(named: names).map {
      (path: $0, message: "lets people log in or change who they are: drop it")
    }
    for file in root.files where !names.contains(RootTree.name(of: file.path)) {
      guard !file.scan.markers.isDisjoint(with: FileScan.Marker.logins), !file.scan.markers.contains(.busybox)
      else {
        continue
      }
      findings.append((file.path, "is a login program (its options are in it): drop it"))
    }
    // A drop-in may turn any unit into a prompt.
    for path in root.paths
    where (path.hasSuffix(".service") || RootTree.parent(of: path).hasSuffix("service.d"))
      && root.tree[path]?.bytes != nil
    {
      guard let file = try? UnitFile.parse(root.tree[path]?.bytes ?? [], file: "/\(path)") else { continue }
      let programs = ((try? file.executables()) ?? []).map { RootTree.name(of: $0.program) }
      if isGetty(RootTree.name(of: path)) {
        findings.append((path, "is a unit of a login prompt: drop it"))
      } else if let program = programs.first(where: names.contains) {
        findings.append((path, "is a unit that starts \(program): drop it"))
      } else if file.value("Service", "StandardInput")?.hasPrefix("tty") == true {
        findings.append((path, "is a unit that reads from a terminal: drop it"))
      }
    }
    return findings
  }

  private static func isGetty(_ unit: String) -> Bool {
    ["autovt@", "console-getty", "container-getty@", "debug-shell", "getty@", "serial-getty@"].contains {
      unit == "\($0).service" || $0.last == "@" && unit.hasPrefix($0)
    }
  }
}
