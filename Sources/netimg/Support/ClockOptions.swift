internal import ArgumentParser
internal import UpdateFramework

/// What is known of the time, where the clock may be wrong.
struct ClockOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The earliest time that it can be, where the clock may be behind, such as 2030-01-01T00:00:00Z.",
      valueName: "time"))
  var earliestTime: String?

  func validate() throws {
    if let earliestTime, UpdateTime(earliestTime) == nil {
      throw ValidationError("--earliest-time takes a time such as 2030-01-01T00:00:00Z.")
    }
  }

  var limits: UpdateLimits {
    var limits = UpdateLimits()
    limits.earliestTime = earliestTime.flatMap { UpdateTime($0) }
    return limits
  }
}
