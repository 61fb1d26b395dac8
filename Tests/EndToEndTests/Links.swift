import Foundation
import TestSupport

/// A boot server's host with several links: network namespaces, each client's its own, gone with the value.
final class Links: Sendable {
  enum Kind: String, Sendable, CaseIterable {
    /// A cable to each client.
    case cables
    /// One cable, and a VLAN for each client on it.
    case vlans
    /// One bridge at the server, and a cable from it to each client: all of them hear each other.
    case bridge
  }

  private let names: [String]
  private let identifier: String
  let kind: Kind

  /// Whether the kernel has VLANs, tried once.
  static let hasVLANs: Bool = NetworkNamespaces.isUsable && (try? Links(.vlans, clients: 1)) != nil
  static let hasBridges: Bool = NetworkNamespaces.isUsable && (try? Links(.bridge, clients: 1)) != nil

  /// Link N is the server's 10.81.N.1/24 on ``interface(_:)``, and the client's `dN`, without an address. On a bridge all
  /// are in 10.81.0.0/24, the server's address is 10.81.0.1 and its interface `br0`.
  init(_ kind: Kind, clients: Int) throws {
    self.kind = kind
    let identifier = String(UInt32.random(in: 0...UInt32.max), radix: 16)
    self.identifier = identifier
    names = ["netimg-l-\(identifier)"] + (1...clients).map { "netimg-l\($0)-\(identifier)" }
    for name in names {
      try Self.ip("netns add \(name)")
      try Self.ip("-n \(name) link set lo up")
    }
    switch kind {
    case .cables: break
    case .vlans:
      try Self.ip("link add t0 netns \(names[0]) type veth peer name t1 netns \(names[1])")
      try Self.ip("-n \(names[0]) link set t0 up")
      try Self.ip("-n \(names[1]) link set t1 up")
    case .bridge:
      try Self.ip("-n \(names[0]) link add br0 type bridge")
      try Self.ip("-n \(names[0]) address add 10.81.0.1/24 dev br0")
      try Self.ip("-n \(names[0]) link set br0 up")
    }
    for number in 1...clients { try connect(number) }
  }

  deinit { for name in names { try? Self.ip("netns delete \(name)") } }

  /// The server's interface of a link.
  func interface(_ number: Int) -> String {
    switch kind {
    case .cables: "s\(number)"
    case .vlans: "t0.\(number)"
    case .bridge: "br0"
    }
  }

  /// Makes a link, or makes it anew.
  /// - Parameter address: The last part of the server's address.
  func connect(_ number: Int, address: Int = 1) throws {
    let (near, far, own) = (names[0], names[number], interface(number))
    switch kind {
    case .cables:
      try Self.ip("link add \(own) netns \(near) type veth peer name d\(number) netns \(far)")
    case .vlans:
      try Self.ip("-n \(near) link add link t0 name \(own) type vlan id \(number)")
      try Self.ip("-n \(names[1]) link add link t1 name d\(number) type vlan id \(number)")
      if number > 1 { try Self.ip("-n \(names[1]) link set d\(number) netns \(far)") }
    case .bridge:
      try Self.ip("link add s\(number) netns \(near) type veth peer name d\(number) netns \(far)")
      try Self.ip("-n \(near) link set s\(number) master br0 up")
    }
    if kind != .bridge {
      try Self.ip("-n \(near) address add 10.81.\(number).\(address)/24 dev \(own)")
      try Self.ip("-n \(near) link set \(own) up")
    }
    try Self.ip("-n \(far) link set d\(number) up")
  }

  /// Takes a link away, at both ends.
  func disconnect(_ number: Int) throws {
    try onServer("link delete \(interface(number))")
    if kind == .vlans { try onClient(number, "link delete d\(number)") }
  }

  func onServer(_ words: String) throws { try Self.ip("-n \(names[0]) \(words)") }
  func onClient(_ number: Int, _ words: String) throws { try Self.ip("-n \(names[number]) \(words)") }

  /// Words before a command of the server's host.
  var server: [String] { ["ip", "netns", "exec", names[0]] }
  /// The same for an account of its own, with the two capabilities that the unit gives, and no other.
  var unprivilegedServer: [String] {
    let only = "-all,+net_bind_service,+net_raw"
    return server + [
      "setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=\(only)",
      "--ambient-caps=\(only)", "--bounding-set=\(only)",
    ]
  }
  /// Words before a command of a client's.
  func client(_ number: Int) -> [String] { ["ip", "netns", "exec", names[number]] }

  /// What a client hears, for each of the programs that ask; see Guest/dhcp.py. It asks until it is answered.
  func ask(_ number: Int, _ words: [String]) throws -> [Answer] {
    let script = "\(Bench.repository)/Tests/EndToEndTests/Guest/dhcp.py"
    let result = try run(
      ["timeout", "300"] + client(number)
        + ["python3", script, "d\(number)", "52:54:00:81:00:0\(number)"] + words)
    guard result.status == 0 else { throw BenchError("\(words): \(result.text)\(result.errorText)") }
    return try result.text.split(separator: "\n").map {
      try JSONDecoder().decode(Answer.self, from: Data($0.utf8))
    }
  }

  struct Answer: Decodable, Sendable {
    let client: String?
    /// Of DHCP: 2 is an offer, 5 an acknowledgement.
    let kind: Int?
    let address: String?
    /// The field `siaddr`.
    let next: String?
    let file: String?
    let `class`: String?
    let server: String?
    let options: [Int]?
    /// A client that had an answer.
    let heard: String?
  }

  private static func ip(_ words: String) throws {
    let result = try run(["ip"] + words.split(separator: " ").map(String.init))
    guard result.status == 0 else { throw BenchError("ip \(words): \(result.errorText)") }
  }
}
