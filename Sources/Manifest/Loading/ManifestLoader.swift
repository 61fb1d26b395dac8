/// Reads an image manifest with all its components, and composes them.
package struct ManifestLoader: Sendable {
  private let tree: any SourceTree

  /// A loader of the manifests in `tree`.
  package init(tree: any SourceTree) {
    self.tree = tree
  }

  /// What the manifest at `manifestPath`, from the repository root, describes; only its kind is checked.
  package func kind(ofManifest manifestPath: String) throws(ManifestError) -> ManifestKind {
    var session = LoadingSession(tree: tree)
    guard let node = session.parse(manifestPath, absent: nil) else { throw ManifestError(session.problems) }
    guard let entry = node.entry("kind") else {
      throw ManifestError(.init(.missingKey, at: node.location, "the manifest needs the key kind"))
    }
    guard let kind = entry.value.text.flatMap(ManifestKind.init(rawValue:)) else {
      let names = ManifestKind.allCases.map(\.rawValue)
      let nearest = entry.value.text.flatMap { Suggestions.nearest(to: $0, among: names) }
      throw ManifestError(
        .init(
          .badValue, at: entry.value.location, "kind cannot be \(entry.value.summary)",
          suggestion: nearest.map { "did you mean \($0)?" } ?? "use \(names.joined(separator: ", "))"))
    }
    return kind
  }

  /// The image at `manifestPath`, from the repository root, with its components from `images/`.
  ///
  /// Throws one error with everything that is wrong in all the files read.
  package func load(manifestPath: String) throws(ManifestError) -> ComposedImage {
    var session = LoadingSession(tree: tree)
    let image = session.image(at: manifestPath)
    // Conflicts between manifests that do not stand by themselves would only repeat their problems.
    guard session.problems.isEmpty, let image else { throw ManifestError(session.problems) }
    var merger = DeclarationMerger()
    let parts = session.components.map(\.declarations) + [image.declarations]
    let declarations = merger.merge(parts)
    guard merger.problems.isEmpty else { throw ManifestError(merger.problems) }
    return ComposedImage(
      name: image.name.value, description: image.description, version: image.version,
      architecture: image.architecture, suite: image.suite, kernelPackage: image.kernelPackage,
      stubPackage: image.stubPackage, limits: image.limits,
      components: session.components.map(\.name.value), componentChains: session.chains,
      declarations: declarations,
      manifestPath: manifestPath, sources: session.sources.paths, sourceDigest: session.sources.digest)
  }

  /// The image whose manifest is at `path` on disk, in the repository around it.
  package static func load(file path: String) throws(ManifestError) -> ComposedImage {
    let (tree, manifestPath) = try WorkTree.enclosing(manifest: path)
    return try ManifestLoader(tree: tree).load(manifestPath: manifestPath)
  }
}
