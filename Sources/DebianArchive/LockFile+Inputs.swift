package import Bytes
package import Manifest

extension LockFile {
  /// A digest over everything in a manifest that decides what a lock holds: if it is the same, locking again
  /// would ask for the same. Reasons, descriptions and places in files are not part of it.
  package static func inputs(of image: ComposedImage) -> SHA256Digest {
    let suite = image.suite.value
    let keyring =
      switch suite.keyring {
      case .host(let path): "host \(path)"
      case .repository(_, let bytes): "sha256 \(SHA256.digest(of: bytes).hex)"
      }
    let sources = suite.sources.map { source in
      JSONWriter.Value.strings([source.archive, source.suite] + source.sections)
    }
    let included = image.declarations.includedPackages.map { [$0.value.name, $0.value.version ?? ""] }
    let excluded = image.declarations.excludedPackages.map { $0.value.package }
    let reviews = image.declarations.scripts.map { review in
      [review.value.package, review.value.script.rawValue] + review.value.digests.map(\.hex).sorted()
    }
    func sorted(_ rows: [[String]]) -> JSONWriter.Value {
      .array(Set(rows).sorted { $0.lexicographicallyPrecedes($1) }.map(JSONWriter.Value.strings))
    }
    let text = JSONWriter.text(
      .object([
        ("lockInputs", .number(1)), ("architecture", .string(image.architecture.value.rawValue)),
        ("suite", .string(suite.name)), ("keyring", .string(keyring)), ("sources", .array(sources)),
        ("include", sorted(included)), ("exclude", .strings(Set(excluded).sorted())),
        ("kernel", .string(image.kernelPackage.value)), ("stub", .string(image.stubPackage.value)),
        ("scripts", sorted(reviews)),
      ]))
    return SHA256.digest(of: Array(text.utf8))
  }
}
