internal import Glibc
internal import Synchronization

/// Dates as HTTP writes them (RFC 9110, section 5.6.7), independent of the locale.
enum HTTPDate {
  private struct Cached {
    var second: Int = .min
    var text = ""
  }
  private static let cached = Mutex(Cached())

  /// The time now, made anew once a second.
  static var now: String {
    let second = time(nil)
    return cached.withLock { cached in
      if cached.second != second { cached = Cached(second: second, text: text(second)) }
      return cached.text
    }
  }

  /// Seconds since 1970 as `Sun, 06 Nov 1994 08:49:37 GMT`.
  static func text(_ seconds: Int) -> String {
    var seconds = time_t(seconds)
    var parts = tm()
    gmtime_r(&seconds, &parts)
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return
      "\(days[Int(parts.tm_wday)]), \(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(1900 + parts.tm_year) "
      + "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec)) GMT"
  }
}
