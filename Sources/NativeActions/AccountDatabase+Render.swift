extension AccountDatabase {
  /// The shell of every account: it says why and ends.
  private static let shell = "/usr/sbin/nologin"
  /// No password matches this, and a locked mark before it says that it is meant so.
  private static let locked = "!*"

  /// `/etc/passwd`, mode 0644.
  package var passwd: [UInt8] {
    lines(users) { "\($0.name):x:\($0.uid):\($0.gid):\($0.gecos):\($0.home):\(Self.shell)" }
  }

  /// `/etc/group`, mode 0644.
  package var group: [UInt8] {
    lines(groups) { "\($0.name):x:\($0.gid):\($0.members.joined(separator: ","))" }
  }

  /// `/etc/shadow`, mode 0640 and group shadow, or 0000. No date of change is given, so that no clock gets in.
  package var shadow: [UInt8] {
    lines(users) { "\($0.name):\(Self.locked)::::::\($0.isExpired ? "1" : ""):" }
  }

  /// `/etc/gshadow`, as shadow.
  package var gshadow: [UInt8] {
    lines(groups) { "\($0.name):\(Self.locked)::\($0.members.joined(separator: ","))" }
  }

  private func lines<Element>(_ elements: [Element], _ line: (Element) -> String) -> [UInt8] {
    elements.flatMap { Array("\(line($0))\n".utf8) }
  }
}
