internal import BootTypes
internal import FoundationEssentials

/// iPXE's programs, as the host's ipxe package has them: read once, a few megabytes.
package struct IPXEPrograms: Sendable {
  /// The largest program that is taken for one, in bytes.
  private static let maximumSize = 8 << 20

  package let directory: String
  private let programs: [String: [UInt8]]

  /// Reads what there is; a directory that is not there has nothing.
  package init(directory: String) {
    self.directory = directory
    var programs: [String: [UInt8]] = [:]
    for name in BootName.programs {
      guard let data = FileManager.default.contents(atPath: "\(directory)/\(name)"), !data.isEmpty,
        data.count <= Self.maximumSize
      else { continue }
      programs[name] = [UInt8](data)
    }
    self.programs = programs
  }

  package subscript(name: String) -> [UInt8]? { programs[name] }

  /// Those that are there, sorted.
  package var names: [String] { programs.keys.sorted() }
}
