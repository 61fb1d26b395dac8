/// Finds many strings in one pass (Wu and Manber, 1994): two bytes at a time tell how far the next match must be away.
struct PatternSet: Sendable {
  private let patterns: [[UInt8]]
  /// How far the window may move, by its last two bytes; 0 where a pattern's beginning may end.
  private let shifts: [UInt8]
  /// The patterns whose beginning ends in these two bytes.
  private let candidates: [Int: [Int]]
  /// The length of the shortest pattern: the window.
  private let window: Int

  /// No pattern may be shorter than two bytes; those that are never match.
  init(_ patterns: [[UInt8]]) {
    self.patterns = patterns
    let usable = patterns.indices.filter { patterns[$0].count >= 2 }
    let window = min(usable.map { patterns[$0].count }.min() ?? 2, 250)
    var shifts = [UInt8](repeating: UInt8(window - 1), count: 1 << 16)
    var candidates: [Int: [Int]] = [:]
    for number in usable {
      let pattern = patterns[number]
      for end in 1..<window {
        let block = Int(pattern[end - 1]) | Int(pattern[end]) << 8
        shifts[block] = min(shifts[block], UInt8(window - 1 - end))
        if end == window - 1 { candidates[block, default: []].append(number) }
      }
    }
    self.window = window
    self.shifts = shifts
    self.candidates = candidates
  }

  /// Calls `found` with the number of a pattern and where it begins, for every place where one is.
  func search(_ bytes: [UInt8], found: (_ pattern: Int, _ offset: Int) -> Void) {
    let text = bytes.span
    let shifts = shifts.span
    var end = window - 1
    while end < text.count {
      let block = Int(text[end - 1]) | Int(text[end]) << 8
      let shift = Int(shifts[block])
      guard shift == 0 else {
        end += shift
        continue
      }
      let start = end + 1 - window
      for number in candidates[block] ?? [] where bytes[start...].starts(with: patterns[number]) {
        found(number, start)
      }
      end += 1
    }
  }
}
