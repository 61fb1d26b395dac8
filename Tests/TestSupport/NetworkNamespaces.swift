import Glibc

/// Network namespaces of a test's own: the condition for tests that use them.
package enum NetworkNamespaces {
  /// Whether they can be made here, tried once: containers may refuse what root may do elsewhere.
  package static let isUsable: Bool = {
    guard geteuid() == 0, findTool("ip") != nil else { return false }
    let name = "netimg-probe-\(getpid())"
    defer { _ = try? run(["ip", "netns", "del", name]) }
    return [
      ["ip", "netns", "add", name], ["ip", "-n", name, "link", "set", "lo", "up"],
      [
        "ip", "link", "add", "netimg-p0", "netns", name, "type", "veth", "peer", "name", "netimg-p1", "netns",
        name,
      ],
      ["ip", "netns", "exec", name, "true"],
    ].allSatisfy { (try? run($0))?.status == 0 }
  }()

  /// The line that a skipped test says.
  package static let whyNot: String =
    "network namespaces need root, iproute2 and a system that lets root make them"
}
