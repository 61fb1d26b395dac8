package import NativeActions

/// Where units listen: socket units by what they say, well-known daemons by what they are known for.
package enum ListeningSocket {
  /// Addresses such as `tcp 22`, `udp 127.0.0.1:53`, `unix /run/systemd/notify`, `netlink route`.
  package static func addresses(of unit: UnitEnablement.Unit) -> [String] {
    switch unit.name.type {
    case "socket":
      return [
        ("ListenStream", "tcp"), ("ListenDatagram", "udp"), ("ListenSequentialPacket", "seqpacket"),
        ("ListenNetlink", "netlink"), ("ListenFIFO", "fifo"), ("ListenSpecial", "special"),
      ].flatMap { key, network in
        values(unit.file, key).map {
          "\(isLocal($0) && network != "fifo" && network != "special" ? "unix" : network) \($0)"
        }
      }
    case "service":
      let programs = (try? unit.file.executables()) ?? []
      return programs.flatMap { known[String($0.program.split(separator: "/").last ?? "")] ?? [] }
    default: return []
    }
  }

  /// All values of a setting; an empty one drops those before it.
  private static func values(_ file: UnitFile, _ key: String) -> [String] {
    var values: [String] = []
    for setting in file.settings where setting.section == "Socket" && setting.key == key {
      if setting.value.isEmpty { values = [] } else { values.append(setting.value) }
    }
    return values
  }

  private static func isLocal(_ address: String) -> Bool { address.hasPrefix("/") || address.hasPrefix("@") }

  /// The ports that daemons open by themselves (services(5), and the daemons' own manuals). Their configuration may
  /// close or move them.
  private static let known: [String: [String]] = [
    "bgpd": ["tcp 179"], "bfdd": ["udp 3784", "udp 3785", "udp 4784"], "ldpd": ["tcp 646", "udp 646"],
    "ospfd": ["ip 89"], "ospf6d": ["ip 89"], "ripd": ["udp 520"], "ripngd": ["udp 521"], "eigrpd": ["ip 88"],
    "pimd": ["ip 103"], "pim6d": ["ip 103"], "vrrpd": ["ip 112"], "isisd": ["ethernet 0xfefe"],
    "babeld": ["udp 6696"], "nhrpd": ["ip 47"], "sshd": ["tcp 22"], "chronyd": ["udp 323"],
    "ntpd": ["udp 123"], "snmpd": ["udp 161"], "rsyslogd": ["udp 514"], "tinyproxy": ["tcp 8888"],
    "dnsmasq": ["tcp 53", "udp 53", "udp 67"],
    "systemd-networkd": ["udp 68", "udp 546"],
    "systemd-resolved": ["tcp 127.0.0.53:53", "udp 127.0.0.53:53", "udp 5353", "udp 5355"],
    "keepalived": ["ip 112"], "haproxy": ["tcp 80"], "nginx": ["tcp 80"], "unbound": ["tcp 53", "udp 53"],
  ]
}
