internal import Bytes
internal import DebianArchive
internal import ImageBuilder

/// What changes on a device that goes from one release to another.
package struct ReleaseDifference: Encodable, Sendable {
  /// One of the two releases.
  package struct Side: Encodable, Sendable {
    package let name: String
    package let version: String
    package let digest: String

    init(_ image: ReleaseImage) {
      name = image.release.name
      version = image.release.version
      digest = SHA256.digest(of: image.reader.manifest).hex
    }
  }

  package let from: Side
  package let to: Side
  package let packages: NamedChanges
  package let files: FileChanges
  /// `uname -r` and the command line's words are among the options, as `kernel release` and `command line`.
  package let kernel: NamedChanges
  /// Units that a boot can start.
  package let units: NamedChanges
  /// Where something listens: `tcp 179` by who does.
  package let listeners: NamedChanges
  /// File capabilities by path.
  package let capabilities: NamedChanges
  /// Set-user-ID and set-group-ID files by path, with their modes.
  package let setID: NamedChanges
  /// What the checks excuse, by rule and path, with the reason.
  package let exceptions: NamedChanges
  package let download: Download

  package init(from: ReleaseImage, to: ReleaseImage) async throws {
    self.from = Side(from)
    self.to = Side(to)
    packages = NamedChanges(from: Self.packages(from), to: Self.packages(to))
    files = try await FileChanges(from: from, to: to)
    kernel = NamedChanges(from: try from.kernelOptions(), to: try to.kernelOptions())
    let (before, after) = (try from.system(), try to.system())
    units = NamedChanges(from: before.units, to: after.units)
    listeners = NamedChanges(from: before.listeners, to: after.listeners)
    capabilities = NamedChanges(from: try from.fileCapabilities(), to: try to.fileCapabilities())
    setID = NamedChanges(from: from.setIDFiles, to: to.setIDFiles)
    exceptions = NamedChanges(from: Self.exceptions(from), to: Self.exceptions(to))
    download = Download(from: from.index, to: to.index)
  }

  /// Whether the two are the same for a device.
  package var isEmpty: Bool {
    packages.isEmpty && files.isEmpty && kernel.isEmpty && units.isEmpty && listeners.isEmpty
      && capabilities.isEmpty && setID.isEmpty && exceptions.isEmpty && download.frames == 0
  }

  private static func packages(_ image: ReleaseImage) -> [String: String] {
    Dictionary(image.lock.packages.map { ($0.name, $0.version) }) { first, _ in first }
  }

  private static func exceptions(_ image: ReleaseImage) -> [String: String] {
    Dictionary(image.release.exceptions.map { ("\($0.rule) \($0.path)", $0.reason) }) { first, _ in first }
  }
}
