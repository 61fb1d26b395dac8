internal import UpdateFramework

/// Times in sentences.
enum MetadataTime {
  /// `2030-01-01T00:00:00Z`, for seconds since 1970.
  static func text(_ seconds: Int64) -> String { UpdateTime(seconds: Int(seconds)).description }
}
