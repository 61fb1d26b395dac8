internal import ServiceLifecycle

/// Where the role control is another process's: asks for the settings to be read anew when that one has applied another
/// manifest from git.
struct AppliedFleetWatch: Service {
  let path: String
  let onChange: @Sendable () -> Void
  private let before: FileTimes?

  /// Looks at the file at once: what is read after this is no change.
  init(_ path: String, onChange: @escaping @Sendable () -> Void) {
    self.path = path
    self.onChange = onChange
    before = FileTimes(path)
  }

  func run() async throws {
    var before = before
    while !Task.isCancelled, !Task.isShuttingDownGracefully {
      try? await Task.sleep(for: .milliseconds(200))
      let now = FileTimes(path)
      guard now != before else { continue }
      before = now
      onChange()
    }
  }
}
