internal import Manifest

extension Rule {
  /// Files above the manifest's `limits.file`.
  static let fileSize = Rule(name: "file-size") { root in
    guard let limit = root.limits.file else { return [] }
    return root.files.compactMap { file in
      guard case .file(let content) = file.node.kind, UInt64(content.size) > limit.value else { return nil }
      return (file.path, SizeLimits.describe(UInt64(content.size), limit))
    }
  }
}

/// The manifest's limits for what exists only once the release does.
enum SizeLimits {
  static let ruleNames = ["image-size", "uki-size"]

  /// Findings for a finished release, sorted.
  static func findings(in release: Release, image: ComposedImage) -> [Finding] {
    var findings: [Finding] = []
    if let limit = image.limits.image, release.root.size > limit.value {
      findings.append(Finding(rule: "image-size", path: "/", message: describe(release.root.size, limit)))
    }
    if let limit = image.limits.uki, let uki = release.artifacts.first(where: { $0.name == ReleaseFile.uki }),
      uki.size > limit.value
    {
      findings.append(Finding(rule: "uki-size", path: "/\(uki.name)", message: describe(uki.size, limit)))
    }
    return Exceptions(image.declarations.exceptions).filter(findings, of: Set(ruleNames))
  }

  static func describe(_ size: UInt64, _ limit: Located<UInt64>) -> String {
    "has \(size) bytes, \(size - limit.value) more than the limit of \(limit.value) at \(limit.location): make it "
      + "smaller, or raise the limit"
  }
}
