/// Finds what somebody may have meant.
enum NearNames {
  /// The names at the least edit distance, if that is small for their length, or else the shortest that begin
  /// with `name`: at most three, joined.
  static func nearest(to name: String, among names: [String]) -> String? {
    let target = Array(name.utf8)
    guard !target.isEmpty, target.count <= 128 else { return nil }
    var best = max(1, min(3, target.count / 3))
    var found: [String] = []
    for candidate in names {
      let bytes = Array(candidate.utf8)
      guard abs(bytes.count - target.count) <= best else { continue }
      let distance = distance(target, bytes)
      if distance < best { found = [] }
      if distance <= best {
        best = distance
        found.append(candidate)
      }
    }
    if found.isEmpty {
      // No slip of the finger: perhaps only the beginning of the name.
      found = names.filter { $0.hasPrefix(name) }.sorted { ($0.utf8.count, $0) < ($1.utf8.count, $1) }
      return found.isEmpty ? nil : found.prefix(3).joined(separator: ", ")
    }
    return found.sorted().prefix(3).joined(separator: ", ")
  }

  /// Levenshtein's distance: insertions, deletions and replacements of a byte.
  private static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var row = Array(0...right.count)
    for (index, byte) in left.enumerated() {
      var diagonal = row[0]
      row[0] = index + 1
      for column in 0..<right.count {
        let replaced = diagonal + (byte == right[column] ? 0 : 1)
        diagonal = row[column + 1]
        row[column + 1] = min(replaced, row[column] + 1, row[column + 1] + 1)
      }
    }
    return row[right.count]
  }
}
