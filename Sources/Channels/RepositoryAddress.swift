/// A repository behind an address: `http://server:8080`, or `http://server:8080/repository`, which is the same, are kept by a
/// `netimg serve`; any other path is a static host's.
package struct RepositoryAddress: Sendable, Hashable {
  /// Where its static files are, without a slash at the end.
  package let repository: String
  /// The server that takes changes; `nil` for a static host.
  package let server: String?

  /// `nil` for what is no address: a directory.
  package init?(_ text: String) {
    guard let colon = text.firstRange(of: "://"),
      ["http", "https"].contains(text[..<colon.lowerBound].lowercased())
    else { return nil }
    var text = text
    while text.hasSuffix("/") { text.removeLast() }
    guard colon.upperBound <= text.endIndex else { return nil }
    if !text[colon.upperBound...].contains("/") {
      repository = text + "/repository"
      server = text
    } else if text.hasSuffix("/repository") {
      repository = text
      server = String(text.dropLast("/repository".count))
    } else {
      repository = text
      server = nil
    }
  }
}
