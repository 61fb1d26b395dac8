extension Rule {
  /// Shells, by name, by `/etc/shells`, and by what is in them under any other name.
  static let shell = Rule(name: "shell") { root in
    let names: Set<String> = [
      "ash", "bash", "busybox", "csh", "dash", "elvish", "fish", "ksh", "ksh93", "lksh", "mksh", "nu", "oksh",
      "posh", "pwsh", "rbash", "rksh", "rzsh", "sash", "sh", "static-sh", "tcsh", "toybox", "xonsh", "yash",
      "zsh",
      "zsh5", "bosh", "gash", "hush", "osh", "scsh",
    ]
    let named = root.programs(named: names)
    var findings = named.map { (path: $0, message: "is a shell: drop it") }
    var seen = Set(named)
    for line in (root.tree.node(at: "etc/shells")?.bytes ?? []).split(separator: UInt8(ascii: "\n"))
    where line.first == UInt8(ascii: "/") {
      let path = RootTree.canonical(String(decoding: line, as: UTF8.self))
      guard root.tree.resolve(path) != nil, seen.insert(path).inserted else { continue }
      findings.append((path, "is a login shell by /etc/shells: drop it"))
    }
    for file in root.files where !seen.contains(file.path) {
      guard
        let marker = FileScan.Marker.allCases.first(where: {
          FileScan.Marker.shells.contains($0) && file.scan.markers.contains($0)
        })
      else { continue }
      findings.append((file.path, "is a shell (“\(marker.rawValue)” is in it): drop it"))
    }
    return findings
  }
}
