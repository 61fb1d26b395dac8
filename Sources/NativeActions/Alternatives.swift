internal import Bytes

/// Debian's alternatives (update-alternatives(1)): one generic name, several programs that can stand behind it.
package enum Alternatives {
  /// A file that follows its master, such as a manual page.
  package struct Follower: Equatable, Sendable {
    /// The generic path.
    package let link: String
    /// The name below `/etc/alternatives`.
    package let name: String
    /// What the link leads to if the master's candidate is chosen.
    package let path: String

    /// All three as above.
    package init(link: String, name: String, path: String) {
      self.link = link
      self.name = name
      self.path = path
    }
  }

  /// One program that offers itself.
  package struct Candidate: Equatable, Sendable {
    /// Who offers it, for messages: a package's name or `file:line`.
    package let origin: String
    /// The generic path, such as `/usr/bin/editor`.
    package let link: String
    /// The name below `/etc/alternatives`, such as `editor`.
    package let name: String
    /// The program itself.
    package let path: String
    /// The highest is chosen.
    package let priority: Int
    /// Links that are set together with this one.
    package let followers: [Follower]

    /// Nothing is checked here; `links` does.
    package init(
      origin: String, link: String, name: String, path: String, priority: Int, followers: [Follower] = []
    ) {
      self.origin = origin
      self.link = link
      self.name = name
      self.path = path
      self.priority = priority
      self.followers = followers
    }
  }

  /// A symbolic link, both ends absolute.
  package struct Link: Hashable, Sendable {
    /// Where the link is.
    package let path: String
    /// What it holds.
    package let target: String
  }

  /// The links of all groups, sorted by path: each generic path leads to `/etc/alternatives/NAME`, and that to what was
  /// chosen: the override for that name, or the candidate with the highest priority, of equal ones the first path in
  /// byte order. Followers whose file is not in the image are left out, as by `update-alternatives`.
  ///
  /// `missing` for a candidate or an override that is not there, `conflict` where two groups claim one link or name.
  package static func links(
    _ candidates: [Candidate], overrides: [String: String] = [:], isPresent: (String) -> Bool
  ) throws(NativeActionError) -> [Link] {
    let groups = Dictionary(grouping: candidates, by: \.name)
    for name in overrides.keys.sortedBytewise() where groups[name] == nil {
      throw NativeActionError(.missing, at: name, "no package offers this alternative; drop the override")
    }
    var links = AlternativeLinks()
    for (name, group) in groups.sorted(by: { precedesBytewise($0.key, $1.key) }) {
      for candidate in group {
        try check(candidate)
        guard isPresent(candidate.path) else {
          throw NativeActionError(
            .missing, at: candidate.origin,
            "the alternative \(name) leads to \(candidate.path), which is not there")
        }
        guard candidate.link == group[0].link else {
          throw NativeActionError(
            .conflict, at: candidate.origin,
            "the alternative \(name) is linked from \(candidate.link), but \(group[0].origin) links it from "
              + "\(group[0].link)")
        }
      }
      let chosen = try choose(group, name, overrides[name])
      try links.add(path: chosen.link, name: name, target: chosen.path, origin: chosen.origin)
      for follower in chosen.followers where isPresent(follower.path) {
        try links.add(path: follower.link, name: follower.name, target: follower.path, origin: chosen.origin)
      }
    }
    return links.links.sorted { precedesBytewise($0.path, $1.path) }
  }

  private static func choose(
    _ group: [Candidate], _ name: String, _ override: String?
  ) throws(NativeActionError) -> Candidate {
    let ranked = group.sorted { left, right in
      left.priority == right.priority
        ? precedesBytewise(left.path, right.path) : left.priority > right.priority
    }
    guard let override else { return ranked[0] }
    guard let chosen = ranked.first(where: { $0.path == override }) else {
      let offered = ranked.map(\.path).joined(separator: ", ")
      throw NativeActionError(
        .missing, at: name,
        "the override \(override) is none of those offered: \(offered); choose one of them")
    }
    return chosen
  }

  private static func check(_ candidate: Candidate) throws(NativeActionError) {
    let all =
      [Follower(link: candidate.link, name: candidate.name, path: candidate.path)] + candidate.followers
    for item in all {
      let isName = !item.name.isEmpty && item.name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7F && $0 != 0x2F }
      let paths = [item.link, item.path]
      let arePaths = paths.allSatisfy { path in
        path.hasPrefix("/") && path.utf8.count > 1 && !path.utf8.contains(0)
          && !path.slashSeparated().contains("..")
      }
      guard isName, item.name != ".", item.name != "..", arePaths else {
        throw NativeActionError(
          .malformed, at: candidate.origin,
          "the alternative “\(item.name)” from \(item.link) to \(item.path) needs a name and two absolute paths"
        )
      }
    }
  }
}

/// Collects links, and refuses two owners of one.
private struct AlternativeLinks {
  private(set) var links: [Alternatives.Link] = []
  private var owners: [ExactString: String] = [:]

  mutating func add(path: String, name: String, target: String, origin: String) throws(NativeActionError) {
    let generic = "/etc/alternatives/\(name)"
    for link in [
      Alternatives.Link(path: path, target: generic), Alternatives.Link(path: generic, target: target),
    ] {
      if let other = owners.updateValue(origin, forKey: ExactString(link.path)) {
        throw NativeActionError(
          .conflict, at: origin, "the alternatives' link \(link.path) is claimed by \(other) as well")
      }
      links.append(link)
    }
  }
}
