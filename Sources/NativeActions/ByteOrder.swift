/// Orders names by their bytes, as `strcmp` and the C locale do: Swift's own order of strings follows Unicode's
/// canonical equivalence, which no file format of these knows.
func precedesBytewise(_ left: String, _ right: String) -> Bool {
  left.utf8.lexicographicallyPrecedes(right.utf8)
}

extension Sequence<String> {
  /// The names in the order of their bytes.
  func sortedBytewise() -> [String] {
    sorted(by: precedesBytewise)
  }
}
