internal import ArgumentParser

/// zstd's level for a release's frames, by purpose or by number.
struct CompressionLevel: ExpressibleByArgument, Equatable, CustomStringConvertible {
  /// While developing, and the default: half the work of `balanced`, and sizes so near to it that an image's limits
  /// mean the same.
  static let fast = CompressionLevel(level: 9)
  /// Nearly as small as it gets in a few seconds.
  static let balanced = CompressionLevel(level: 12)
  /// The smallest, for what many devices download: seven times the work of `balanced`.
  static let release = CompressionLevel(level: 19)

  let level: Int

  private init(level: Int) {
    self.level = level
  }

  init?(argument: String) {
    switch argument {
    case "fast": self = .fast
    case "balanced": self = .balanced
    case "release": self = .release
    default:
      guard let level = Int(argument), (1...19).contains(level) else { return nil }
      self.level = level
    }
  }

  static let allValueStrings = ["fast", "balanced", "release"]

  var description: String {
    switch self {
    case .fast: "fast"
    case .balanced: "balanced"
    case .release: "release"
    default: "\(level)"
    }
  }

  var defaultValueDescription: String { description }
}
