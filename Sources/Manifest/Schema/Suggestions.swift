/// The name that a person may have meant.
enum Suggestions {
  /// The candidate nearest to `text`, if near enough to be worth a question; of equals, the first in order.
  static func nearest(to text: String, among candidates: some Sequence<String>) -> String? {
    // A long text is no slip of the finger, and the comparison would be dear.
    guard text.utf8.count <= 64 else { return nil }
    let lowered = Array(text.lowercased().utf8)
    let limit = max(1, lowered.count / 3)
    var best: (distance: Int, name: String)?
    for candidate in candidates.sorted() {
      let distance = distance(lowered, Array(candidate.lowercased().utf8))
      guard distance <= limit, distance < best?.distance ?? .max else { continue }
      best = (distance, candidate)
    }
    return best?.name
  }

  /// The optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours.
  static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var beforePrevious: [Int] = []
    var previous = Array(0...right.count)
    for (i, a) in left.enumerated() {
      var current = [i + 1]
      for (j, b) in right.enumerated() {
        var cost = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (a == b ? 0 : 1))
        if i > 0, j > 0, a == right[j - 1], left[i - 1] == b { cost = min(cost, beforePrevious[j - 1] + 1) }
        current.append(cost)
      }
      (beforePrevious, previous) = (previous, current)
    }
    return previous[right.count]
  }
}
