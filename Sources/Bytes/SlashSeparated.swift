extension String {
  /// What lies between slashes, cut at bytes as the kernel cuts paths.
  ///
  /// `split(separator: "/")` cuts at characters, and a slash with a combining mark behind it is another character:
  /// in `../◌́x` it would see no `..`.
  package func slashSeparated(omittingEmpty: Bool = true) -> [String] {
    utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: omittingEmpty)
      .map { String(Substring($0)) }
  }
}
