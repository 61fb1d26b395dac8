import Bytes
import Manifest

@testable import DebianArchive

/// Composed images and locks by hand.
enum LockFixture {
  static let location = SourceLocation(file: "manifests/router.yaml", line: 3, column: 5)

  static func located<Value>(_ value: Value, component: String? = nil) -> Located<Value> {
    let origin = Origin(kind: component == nil ? .image : .component, name: component ?? "router")
    return Located(value, origin: origin, location: location)
  }

  static func image(
    _ suite: Manifest.Suite, include: [String] = ["app"], exclude: [String] = [], kernel: String = "linux",
    stub: String = "stub", reviews: [ScriptReview] = [], architecture: Architecture = .amd64
  ) -> ComposedImage {
    var declarations = Declarations()
    declarations.includedPackages = include.map { text in
      let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
      return located(
        PackageRequest(name: parts[0], version: parts.count > 1 ? parts[1] : nil), component: "base")
    }
    declarations.excludedPackages = exclude.map {
      located(PackageExclusion(package: $0, reason: "not needed"))
    }
    declarations.scripts = reviews.map { located($0) }
    return ComposedImage(
      name: "router", architecture: located(architecture), suite: located(suite),
      kernelPackage: located(kernel),
      stubPackage: located(stub), declarations: declarations, manifestPath: location.file,
      sources: [location.file], sourceDigest: SHA256.digest(of: []))
  }

  static let suite = Manifest.Suite.fixture(.host(path: "/usr/share/keyrings/test.gpg"))

  static func package(
    _ name: String, _ version: String = "1", role: LockFile.Role = .image, scripts: [LockFile.Script] = []
  ) -> LockFile.Package {
    LockFile.Package(
      SolvedPackage(
        name: name, version: version, architecture: "amd64", archive: "debian",
        path: "pool/main/\(name)_\(version)_amd64.deb", size: 1234,
        digest: SHA256.digest(of: Array(name.utf8)), source: name, why: ["component base asks for \(name)"]),
      role: role, scripts: scripts)
  }

  static func lock(_ packages: [LockFile.Package], image: ComposedImage) -> LockFile {
    LockFile(
      image: image.name, architecture: "amd64", inputs: LockFile.inputs(of: image),
      archives: [
        LockFile.Archive(
          archive: "debian", suite: "trixie", codename: "trixie", version: "13.1",
          date: ReleaseDate(seconds: 1_795_252_544), digest: SHA256.digest(of: [1]))
      ], packages: packages)
  }
}
