internal import FoundationEssentials
internal import ImageBuilder

/// Finds the netimg-init that goes into images: the flag, then beside this program, then its installed place.
enum StageZeroLocation {
  static func read(_ flag: String?) throws -> [UInt8] {
    let program = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let directory = program.map { String($0[..<($0.lastIndex(of: "/") ?? $0.startIndex)]) } ?? "."
    let candidates =
      flag.map { [$0] } ?? ["\(directory)/netimg-init", "\(directory)/../libexec/netimg/netimg-init"]
    for path in candidates {
      if let data = FileManager.default.contents(atPath: path) { return [UInt8](data) }
    }
    throw BuildError(
      .missingInput, "\(candidates[0]) is not there: run make build, or name the file with --stage0")
  }
}
