internal import NativeActions

extension Rule {
  /// What lets somebody in or makes them somebody else, and the units that start it.
  static let login = Rule(name: "login") { root in
    let names: Set<String> = [
      "agetty", "chfn", "chsh", "doas", "fgetty", "getty", "in.rlogind", "in.rshd", "in.telnetd", "login",
      "mgetty", "mingetty", "newgrp", "pkexec", "run0", "runuser", "sg", "su", "sudo", "sudoedit", "sulogin",
      "systemd-sulogin-shell", "telnetd",
    ]
    var findings = root.programs(named: names).map {
      (path: $0, message: "lets people log in or change who they are: drop it")
    }
    for path in root.paths where path.hasSuffix(".service") && root.tree[path]?.bytes != nil {
      guard let file = try? UnitFile.parse(root.tree[path]?.bytes ?? [], file: "/\(path)") else { continue }
      let programs = ((try? file.executables()) ?? []).map { RootTree.name(of: $0.program) }
      if let program = programs.first(where: names.contains) {
        findings.append((path, "is a unit that starts \(program): drop it"))
      } else if file.value("Service", "StandardInput")?.hasPrefix("tty") == true {
        findings.append((path, "is a unit that reads from a terminal: drop it"))
      }
    }
    return findings
  }
}
