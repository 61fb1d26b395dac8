internal import CPosixShim
internal import Glibc

/// A point in time, in whole seconds, as metadata write it: `2030-01-01T00:00:00Z` (specification 4.3,
/// EXPIRES).
package struct UpdateTime: Hashable, Comparable, Sendable {
  /// Seconds since 1970-01-01T00:00:00Z, without leap seconds.
  package let seconds: Int

  package init(seconds: Int) { self.seconds = seconds }

  /// What the system's clock says.
  package static var now: UpdateTime {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return UpdateTime(seconds: time.tv_sec)
  }

  package static func < (left: UpdateTime, right: UpdateTime) -> Bool { left.seconds < right.seconds }

  /// The time so many seconds later; it stays within what can be written.
  package func advanced(by interval: Int) -> UpdateTime {
    let (sum, overflow) = seconds.addingReportingOverflow(interval)
    let limit = interval < 0 ? Self.first : Self.last
    return UpdateTime(seconds: overflow ? limit : min(max(sum, Self.first), Self.last))
  }

  // 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z.
  private static let first = -62_135_596_800
  private static let last = 253_402_300_799
}

extension UpdateTime: CustomStringConvertible {
  /// Reads exactly `YYYY-MM-DDTHH:MM:SSZ`, years 1 to 9999; `nil` for anything else.
  package init?(_ text: String) {
    let characters = Array(text.utf8)
    guard characters.count == 20 else { return nil }
    for (position, separator) in [(4, "-"), (7, "-"), (10, "T"), (13, ":"), (16, ":"), (19, "Z")] {
      guard characters[position] == separator.utf8.first else { return nil }
    }
    func number(_ range: Range<Int>) -> Int? {
      var value = 0
      for character in characters[range] {
        guard (0x30...0x39).contains(character) else { return nil }
        value = value * 10 + Int(character - 0x30)
      }
      return value
    }
    guard let year = number(0..<4), let month = number(5..<7), let day = number(8..<10),
      let hour = number(11..<13), let minute = number(14..<16), let second = number(17..<19),
      year >= 1, (1...12).contains(month), day >= 1, day <= Self.days(in: month, of: year),
      hour < 24, minute < 60, second < 60
    else { return nil }
    seconds = ((Self.day(year, month, day) * 24 + hour) * 60 + minute) * 60 + second
  }

  package var description: String {
    let clamped = min(max(seconds, Self.first), Self.last)
    let dayNumber = Self.floorDivide(clamped, 86400)
    let rest = clamped - dayNumber * 86400
    // Howard Hinnant's civil_from_days: eras of 400 years that begin in March.
    let shifted = dayNumber + 719_468
    let era = Self.floorDivide(shifted, 146_097)
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    func padded(_ value: Int, _ width: Int) -> String {
      let digits = String(value)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))T"
      + "\(padded(rest / 3600, 2)):\(padded(rest / 60 % 60, 2)):\(padded(rest % 60, 2))Z"
  }

  private static func days(in month: Int, of year: Int) -> Int {
    switch month {
    case 2: year.isMultiple(of: 4) && (!year.isMultiple(of: 100) || year.isMultiple(of: 400)) ? 29 : 28
    case 4, 6, 9, 11: 30
    default: 31
    }
  }

  /// Days since 1970-01-01 in the proleptic Gregorian calendar.
  private static func day(_ year: Int, _ month: Int, _ day: Int) -> Int {
    let year = month <= 2 ? year - 1 : year
    let era = floorDivide(year, 400)
    let yearOfEra = year - era * 400
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
    return era * 146_097 + dayOfEra - 719_468
  }

  private static func floorDivide(_ value: Int, _ divisor: Int) -> Int {
    value >= 0 ? value / divisor : -((-value + divisor - 1) / divisor)
  }
}
