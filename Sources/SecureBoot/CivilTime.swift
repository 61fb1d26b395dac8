/// A moment in UTC by the calendar: what certificates and authenticated variables are dated with.
package struct CivilTime: Hashable, Sendable {
  package let year: Int
  package let month: Int
  package let day: Int
  package let hour: Int
  package let minute: Int
  package let second: Int

  /// - Parameter seconds: since the epoch; clamped to the years 1970 to 2049.
  package init(seconds: Int64) {
    let seconds = min(max(seconds, 0), 2_524_607_999)
    let days = Int(seconds / 86_400)
    let rest = Int(seconds % 86_400)
    // Years that begin in March, in eras of 400, so that the leap day is the last.
    let shifted = days + 719_468
    let era = shifted / 146_097
    let dayOfEra = shifted % 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
    hour = rest / 3600
    minute = rest / 60 % 60
    second = rest % 60
  }

  /// UTCTime (RFC 5280, section 4.1.2.5.1), `YYMMDDHHMMSSZ`.
  var utcTime: String {
    [year % 100, month, day, hour, minute, second].map { ($0 < 10 ? "0" : "") + String($0) }.joined() + "Z"
  }
}
