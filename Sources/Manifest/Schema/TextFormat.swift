/// What a string has to look like: one description for the decoder and for the JSON Schema.
struct TextFormat: Sendable {
  /// What it is, for messages and the reference, such as `a package name`.
  let label: String
  /// What is allowed, as a clause for messages.
  let rule: String
  /// The same as a regular expression of JSON Schema (ECMA-262); the decoder does not use it.
  let pattern: String
  let accepts: @Sendable (String) -> Bool

  init(_ label: String, rule: String, pattern: String, accepts: @escaping @Sendable (String) -> Bool) {
    self.label = label
    self.rule = rule
    self.pattern = pattern
    self.accepts = accepts
  }

  /// Runs of characters one after another, then perhaps a second row of runs.
  ///
  /// A run takes all that it can: its set must not hold what the next run begins with.
  init(_ label: String, rule: String, _ runs: [Run], optional tail: [Run] = []) {
    let suffix = tail.isEmpty ? "" : "(\(tail.map(\.pattern).joined()))?"
    self.init(label, rule: rule, pattern: "^\(runs.map(\.pattern).joined())\(suffix)$") { text in
      var rest = Array(text.utf8)[...]
      for run in runs where !run.consume(&rest) { return false }
      if rest.isEmpty { return true }
      for run in tail where !run.consume(&rest) { return false }
      return rest.isEmpty && !tail.isEmpty
    }
  }

  /// A run of ASCII characters of a set.
  struct Run: Sendable {
    /// The set as it stands between the brackets of a regular expression, such as `a-z0-9+.-`.
    let set: String
    let count: ClosedRange<Int>

    init(_ set: String, _ count: ClosedRange<Int>) {
      self.set = set
      self.count = count
    }

    var pattern: String {
      switch count {
      case 1...1: "[\(set)]"
      case 0...Int.max: "[\(set)]*"
      case 1...Int.max: "[\(set)]+"
      default:
        count.lowerBound == count.upperBound
          ? "[\(set)]{\(count.lowerBound)}" : "[\(set)]{\(count.lowerBound),\(count.upperBound)}"
      }
    }

    /// Takes as many bytes as the run may have off the front of `text`; false if they are too few.
    func consume(_ text: inout ArraySlice<UInt8>) -> Bool {
      let taken = text.prefix(count.upperBound).prefix(while: contains)
      text = text.dropFirst(taken.count)
      return taken.count >= count.lowerBound
    }

    private func contains(_ byte: UInt8) -> Bool {
      var rest = Array(set.utf8)[...]
      while let low = rest.popFirst() {
        // A hyphen between two characters makes a range; as the last, it stands for itself.
        guard rest.first == UInt8(ascii: "-"), let high = rest.dropFirst().first else {
          if low == byte { return true }
          continue
        }
        if low <= byte, byte <= high { return true }
        rest = rest.dropFirst(2)
      }
      return false
    }
  }
}
