internal import Manifest

/// The rules about what exists only once the release does.
enum ReleaseChecks {
  static let ruleNames = ["image-size", "release-secret", "uki-size"]

  /// Findings for a finished release, sorted.
  static func findings(in built: BuiltRelease, image: ComposedImage) -> [Finding] {
    let release = built.release
    var findings: [Finding] = []
    if let limit = image.limits.image, release.root.size > limit.value {
      findings.append(Finding(rule: "image-size", path: "/", message: describe(release.root.size, limit)))
    }
    if let limit = image.limits.uki, let uki = release.artifacts.first(where: { $0.name == ReleaseFile.uki }),
      uki.size > limit.value
    {
      findings.append(Finding(rule: "uki-size", path: "/\(uki.name)", message: describe(uki.size, limit)))
    }
    // The kernel's command line, descriptions and reasons: all as public as the image.
    let text = FileScan(built.manifest, path: "/\(ReleaseFile.release)")
    for (kind, offset) in text.secrets.sorted(by: { $0.value < $1.value }) {
      findings.append(
        Finding(
          rule: "release-secret", path: "/\(ReleaseFile.release)",
          message:
            "holds \(kind) at byte \(offset), from the manifest's own words such as kernel.commandLine: take it "
            + "out there"))
    }
    return Exceptions(image.declarations.exceptions).filter(findings, of: Set(ruleNames))
  }

  static func describe(_ size: UInt64, _ limit: Located<UInt64>) -> String {
    "has \(size) bytes, \(size - limit.value) more than the limit of \(limit.value) at \(limit.location): make it "
      + "smaller, or raise the limit"
  }
}
