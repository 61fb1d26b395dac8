extension Rule {
  /// SSH servers and clients, by name and by what is in them. Nobody logs in to a device, and a device logs in nowhere.
  static let ssh = Rule(name: "ssh") { root in
    let names: Set<String> = [
      "dbclient", "dropbear", "dropbearconvert", "dropbearkey", "dropbearmulti", "lsh", "lshd", "plink",
      "psftp",
      "scp", "sftp", "sftp-server", "slogin", "ssh", "ssh-add", "ssh-agent", "ssh-keygen", "ssh-keyscan",
      "ssh-keysign", "sshd", "sshd-auth", "sshd-session", "systemd-ssh-generator", "systemd-ssh-proxy",
      "tinysshd",
    ]
    let units: Set<String> = [
      "dropbear.service", "dropbear@.service", "dropbear.socket", "ssh.service", "ssh@.service", "ssh.socket",
      "sshd.service", "sshd@.service", "sshd.socket",
    ]
    var findings = root.programs(named: names).map { (path: $0, message: "is an SSH program: drop it") }
    findings += root.paths.filter { units.contains(RootTree.name(of: $0)) }
      .map { ($0, "is a unit of an SSH server: drop it") }
    for file in root.files
    where file.scan.markers.isSuperset(of: [.sshAuthentication, .sshConnection])
      && !names.contains(RootTree.name(of: file.path))
    {
      findings.append((file.path, "speaks SSH (its services' names are in it): drop it"))
    }
    return findings
  }
}
