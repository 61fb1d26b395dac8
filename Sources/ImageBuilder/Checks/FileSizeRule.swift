internal import Manifest

extension Rule {
  /// Files above the manifest's `limits.file`.
  static let fileSize = Rule(name: "file-size") { root in
    guard let limit = root.limits.file else { return [] }
    return root.files.compactMap { file in
      guard case .file(let content) = file.node.kind, UInt64(content.size) > limit.value else { return nil }
      return (file.path, ReleaseChecks.describe(UInt64(content.size), limit))
    }
  }
}
