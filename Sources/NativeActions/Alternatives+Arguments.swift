extension Alternatives.Candidate {
  /// Reads the arguments of one `update-alternatives --install LINK NAME PATH PRIORITY [--slave LINK NAME PATH]…`, as
  /// maintainer scripts give them; options that only change what is printed are skipped. `unsupported` for any other
  /// call, `malformed` for missing words.
  package static func parse(arguments: [String], origin: String) throws(NativeActionError)
    -> Alternatives.Candidate
  {
    var rest = arguments[...]
    while let first = rest.first, ["--quiet", "--verbose", "--force"].contains(first) {
      rest = rest.dropFirst()
    }
    guard rest.first == "--install" else {
      throw NativeActionError(
        .unsupported, at: origin,
        "update-alternatives \(rest.first ?? "") is no --install, which alone is understood")
    }
    let words = Array(rest.dropFirst().prefix(4))
    guard words.count == 4, let priority = Int(words[3]) else {
      throw NativeActionError(.malformed, at: origin, "--install needs a link, a name, a path and a number")
    }
    rest = rest.dropFirst(5)
    var followers: [Alternatives.Follower] = []
    while let option = rest.first {
      let words = Array(rest.dropFirst().prefix(3))
      guard option == "--slave" || option == "--follower", words.count == 3 else {
        throw NativeActionError(
          .malformed, at: origin, "“\(option)” is no complete --slave with link, name and path")
      }
      followers.append(Alternatives.Follower(link: words[0], name: words[1], path: words[2]))
      rest = rest.dropFirst(4)
    }
    return Alternatives.Candidate(
      origin: origin, link: words[0], name: words[1], path: words[2], priority: priority, followers: followers
    )
  }
}
