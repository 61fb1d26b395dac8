/// Where the store is when nobody says so on the command line.
package enum StoreLocation {
  /// `NETIMG_STORE`, else `$XDG_CACHE_HOME/netimg`, else `~/.cache/netimg` (XDG Base Directory
  /// Specification).
  ///
  /// Empty variables count as unset; a relative `XDG_CACHE_HOME` or `HOME` is ignored, as the specification
  /// asks. Throws `noLocation` if nothing is left.
  package static func `default`(environment: [String: String]) throws -> String {
    if let store = environment["NETIMG_STORE"], !store.isEmpty { return store }
    if let cache = environment["XDG_CACHE_HOME"], cache.hasPrefix("/") { return join(cache, "netimg") }
    if let home = environment["HOME"], home.hasPrefix("/") { return join(home, ".cache/netimg") }
    throw StoreError(
      .noLocation, path: "",
      "neither NETIMG_STORE, XDG_CACHE_HOME nor HOME says where the store is; "
        + "set NETIMG_STORE to a directory")
  }

  /// The stores of `NETIMG_SHARED_STORE`, which are separated by colons.
  package static func shared(environment: [String: String]) -> [String] {
    (environment["NETIMG_SHARED_STORE"] ?? "").split(separator: ":").map(String.init)
  }

  private static func join(_ directory: String, _ name: String) -> String {
    directory.hasSuffix("/") ? directory + name : "\(directory)/\(name)"
  }
}
