/// A point in time as Release files write it (RFC 5322, section 3.3, in UTC): `Sat, 21 Nov 2026 09:15:44
/// UTC`.
package struct ReleaseDate: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Seconds since 1970-01-01T00:00:00Z, without leap seconds.
  package let seconds: Int64

  package init(seconds: Int64) {
    self.seconds = seconds
  }

  private static let months = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
  ]

  /// Parses the form above; the day's name is optional and not compared. `nil` for anything else, another
  /// zone included.
  package init?(_ text: some StringProtocol) {
    var words = text.split(separator: " ")[...]
    if words.first?.hasSuffix(",") == true { words.removeFirst() }
    guard words.count == 5, ["UTC", "GMT", "+0000", "Z"].contains(words[words.startIndex + 4]) else {
      return nil
    }
    let word = Array(words)
    let time = word[3].split(separator: ":", omittingEmptySubsequences: false)
    guard let day = Self.number(word[0], 1...31), let month = Self.months.firstIndex(of: String(word[1])),
      let year = Self.number(word[2], 1970...9999), time.count == 3,
      let hour = Self.number(time[0], 0...23), let minute = Self.number(time[1], 0...59),
      let second = Self.number(time[2], 0...60)
    else { return nil }
    let days = Self.days(year: year, month: month + 1, day: day)
    seconds = Int64(days) * 86400 + Int64(hour * 3600 + minute * 60 + second)
    // 31 February and its like do not survive the way back.
    guard civil.day == day || second == 60 else { return nil }
  }

  /// Parses `2026-11-21T09:15:44Z` (RFC 3339), the form that locks and messages use.
  package init?(timestamp text: some StringProtocol) {
    let parts = text.split(omittingEmptySubsequences: false) { "-T:Z".contains($0) }
    guard text.utf8.count == 20, parts.count == 7, let year = Self.number(parts[0], 1970...9999),
      let month = Self.number(parts[1], 1...12), let day = Self.number(parts[2], 1...31),
      let hour = Self.number(parts[3], 0...23), let minute = Self.number(parts[4], 0...59),
      let second = Self.number(parts[5], 0...59)
    else { return nil }
    let days = Self.days(year: year, month: month, day: day)
    seconds = Int64(days) * 86400 + Int64(hour * 3600 + minute * 60 + second)
    guard description == String(text) else { return nil }
  }

  package static func < (left: ReleaseDate, right: ReleaseDate) -> Bool { left.seconds < right.seconds }

  /// `2026-11-21T09:15:44Z` (RFC 3339).
  package var description: String {
    let (year, month, day) = civil
    let time = Int(seconds - (seconds / 86400) * 86400)
    func padded(_ value: Int, _ width: Int) -> String {
      let digits = String(value)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T\(padded(time / 3600, 2))"
      + ":\(padded(time / 60 % 60, 2)):\(padded(time % 60, 2))Z"
  }

  private static func number(_ text: some StringProtocol, _ range: ClosedRange<Int>) -> Int? {
    guard (1...4).contains(text.utf8.count), text.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else {
      return nil
    }
    return Int(text).flatMap { range.contains($0) ? $0 : nil }
  }

  /// Days since 1970-01-01 in the proleptic Gregorian calendar: years begin in March here, so that the leap
  /// day comes last.
  private static func days(year: Int, month: Int, day: Int) -> Int {
    let shifted = month <= 2 ? year - 1 : year
    let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
    let leapDays = shifted / 4 - shifted / 100 + shifted / 400
    return shifted * 365 + leapDays + dayOfYear - 719_468
  }

  private var civil: (year: Int, month: Int, day: Int) {
    let days = Int(seconds / 86400)
    var year = 1970 + days / 366
    while Self.days(year: year + 1, month: 1, day: 1) <= days { year += 1 }
    var month = 12
    while Self.days(year: year, month: month, day: 1) > days { month -= 1 }
    return (year, month, days - Self.days(year: year, month: month, day: 1) + 1)
  }
}
