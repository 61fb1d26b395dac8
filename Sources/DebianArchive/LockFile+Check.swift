internal import Bytes
package import Manifest

extension LockFile {
  /// How the lock and a manifest disagree: sentences in a fixed order, none if the lock is good for the
  /// manifest.
  package func check(against image: ComposedImage) -> [String] {
    var found: [String] = []
    if self.image != image.name { found.append("the lock is for the image \(self.image), not \(image.name)") }
    if architecture != image.architecture.value.rawValue {
      found.append(
        "the lock was made for \(architecture), but \(image.architecture.location) asks for "
          + image.architecture.value.rawValue)
    }
    let locked = archives.map { "\($0.archive) \($0.suite)" }
    let wanted = image.suite.value.sources.map { "\($0.archive) \($0.suite)" }
    for source in wanted where !locked.contains(source) {
      found.append(
        "\(source) is a source of packages at \(image.suite.location), but the lock does not know it")
    }
    for source in locked where !wanted.contains(source) {
      found.append("the lock has packages of \(source), which is no source at \(image.suite.location)")
    }
    found += checkPackages(image)
    found += checkReviews(image)
    if found.isEmpty, inputs != LockFile.inputs(of: image) {
      found.append("the manifest has changed since the lock was made")
    }
    return found
  }

  private func checkPackages(_ image: ComposedImage) -> [String] {
    var found: [String] = []
    for request in image.declarations.includedPackages {
      let package = package(named: request.value.name)
      if package?.role != .image {
        found.append("\(request.value.name), asked for at \(request.location), is not locked")
      } else if let package, let version = request.value.version, version != package.version {
        found.append(
          "\(package.name) is locked at \(package.version), but \(request.location) asks for \(version)")
      }
    }
    for exclusion in image.declarations.excludedPackages {
      guard package(named: exclusion.value.package)?.role == .image else { continue }
      found.append("\(exclusion.value.package) is locked, but \(exclusion.location) excludes it")
    }
    if package(named: image.kernelPackage.value)?.role != .image {
      found.append(
        "the kernel \(image.kernelPackage.value), chosen at \(image.kernelPackage.location), is not locked")
    }
    if package(named: image.stubPackage.value) == nil {
      found.append("\(image.stubPackage.value), needed at \(image.stubPackage.location), is not locked")
    }
    return found
  }

  private func checkReviews(_ image: ComposedImage) -> [String] {
    var found: [String] = []
    for package in packages where package.role == .image {
      for script in package.scripts where script.scriptClass == .reviewed {
        let isCovered = image.declarations.scripts.contains { review in
          review.value.package == package.name && review.value.script.rawValue == script.name
            && review.value.digests.contains(script.digest)
        }
        guard !isCovered else { continue }
        found.append(
          "the \(script.name) of \(package.name) \(package.version) was reviewed when the lock was made, but "
            + "the manifest no longer has a review of sha256 \(script.digest.hex)")
      }
    }
    return found
  }
}
