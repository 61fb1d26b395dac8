internal import Bytes
internal import BlobStore
internal import DebianArchive
internal import DebianPackage
internal import Manifest

/// Opens the lock's packages from the store, on all cores.
struct PackageUnpacker: Sendable {
  let image: ComposedImage
  let store: BlobStore

  /// A package's scripts as its .deb has them must be those that the lock has seen, and each that the recogniser does
  /// not know must have a review.
  func unpack(_ locked: LockFile.Package) throws -> UnpackedPackage {
    let deb = try open(locked)
    var actions: [ScriptAction] = []
    for (name, script) in deb.scripts.sorted(by: { $0.key < $1.key }) {
      let digest = SHA256.digest(of: script)
      guard locked.scripts.contains(where: { $0.name == name.rawValue && $0.digest == digest }) else {
        throw BuildError(
          .lock,
          "\(locked.name): its \(name.rawValue) (sha256 \(digest.hex)) is not in the lock: run netimg lock")
      }
      let verdict = ScriptClassifier.classify(script, name: name)
      guard verdict.class != .unknown else {
        guard isReviewed(locked.name, name, digest) else {
          throw BuildError(
            .lock,
            "\(locked.name): its \(name.rawValue) (sha256 \(digest.hex)) is not reviewed: run netimg lock")
        }
        continue
      }
      actions += verdict.actions
    }
    return try UnpackedPackage(deb, drops: image.declarations.drops.map(\.value), actions: actions)
  }

  /// One file of a package, such as the EFI stub.
  func file(_ path: String, of locked: LockFile.Package) throws -> [UInt8] {
    let entries = try open(locked).entries { name, _ in RootTree.canonical(name) == path }
    for entry in entries where RootTree.canonical(entry.path) == path {
      if case .file(_, let content?) = entry.kind { return content }
    }
    throw BuildError(.badInput, "package \(locked.name) \(locked.version) has no /\(path)")
  }

  private func open(_ locked: LockFile.Package) throws -> DebFile {
    guard let bytes = try store.read(locked.digest) else {
      throw BuildError(
        .missingInput,
        "package \(locked.name) \(locked.version) is not in the store: build once without --offline")
    }
    let deb = try DebFile(bytes: bytes, name: RootTree.name(of: locked.path))
    guard deb.packageName == locked.name, deb.version.description == locked.version else {
      throw BuildError(
        .lock,
        "\(locked.path) is \(deb.packageName) \(deb.version), but the lock says \(locked.name) \(locked.version)"
      )
    }
    return deb
  }

  private func isReviewed(_ package: String, _ script: ScriptName, _ digest: SHA256Digest) -> Bool {
    image.declarations.scripts.contains {
      $0.package == package && $0.script.rawValue == script.rawValue && $0.digests.contains(digest)
    }
  }
}
