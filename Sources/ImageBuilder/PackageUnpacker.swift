internal import BlobStore
internal import Bytes
internal import DebianArchive
internal import DebianPackage
internal import Manifest
internal import Synchronization

/// Opens the lock's packages from the store, on all cores, and keeps what it unpacked there for the next build.
struct PackageUnpacker: Sendable {
  private static let recordKind = "package"

  let image: ComposedImage
  let store: BlobStore
  private let usesKept: Bool
  private let opened = OpenedPackages()

  /// - Parameter usesKept: whether what earlier builds unpacked counts; new packages are kept in any case.
  init(image: ComposedImage, store: BlobStore, usesKept: Bool = true) {
    self.image = image
    self.store = store
    self.usesKept = usesKept
  }

  /// Forgets unpacked packages whose bytes turned out to be damaged, so that the next attempt unpacks them anew.
  /// Gives whether there were any.
  func dropDamaged() -> Bool {
    let damaged = opened.damaged
    for entry in damaged {
      try? store.removeRecord(kind: Self.recordKind, key: entry.key)
      try? store.remove(entry.blob)
    }
    return !damaged.isEmpty
  }

  /// A package's scripts as its .deb has them must be those that the lock has seen, and each that the recogniser does
  /// not know must have a review.
  func unpack(_ locked: LockFile.Package) throws -> UnpackedPackage {
    let contents = try contents(locked)
    var actions: [ScriptAction] = []
    for script in contents.scripts {
      guard
        locked.scripts.contains(where: { $0.name == script.name.rawValue && $0.digest == script.digest })
      else {
        throw BuildError(
          .lock,
          "\(locked.name): its \(script.name.rawValue) (sha256 \(script.digest.hex)) is not in the lock: run netimg lock"
        )
      }
      if script.scriptClass == .unknown {
        guard isReviewed(locked.name, script) else {
          throw BuildError(
            .lock,
            "\(locked.name): its \(script.name.rawValue) (sha256 \(script.digest.hex)) is not reviewed: run netimg lock"
          )
        }
      } else {
        actions += script.actions
      }
    }
    return try UnpackedPackage(contents, drops: image.declarations.drops.map(\.value), actions: actions)
  }

  /// One file of a package, such as the EFI stub.
  func file(_ path: String, of locked: LockFile.Package) throws -> [UInt8] {
    for entry in try contents(locked).entries where RootTree.canonical(entry.path) == path {
      if case .file(let content) = entry.kind { return content.bytes }
    }
    throw BuildError(.badInput, "package \(locked.name) \(locked.version) has no /\(path)")
  }

  /// The package from the store's unpacked ones, else from its .deb.
  private func contents(_ locked: LockFile.Package) throws -> PackageContents {
    let key = "\(PackageContents.formatVersion)-\(locked.digest.hex)"
    if usesKept, let kept = try kept(key) { return try checked(kept, locked) }
    guard let bytes = try store.read(locked.digest) else {
      throw BuildError(
        .missingInput,
        "package \(locked.name) \(locked.version) is not in the store: build once without --offline")
    }
    let contents = try checked(
      PackageContents(DebFile(bytes: bytes, name: RootTree.name(of: locked.path))), locked)
    let (record, data) = contents.encode()
    // A store that cannot be written (read-only, full) only makes the next build slower.
    if let blob = try? store.insert(data, durable: false) {
      try? store.setRecord(blob.bytes + record, kind: Self.recordKind, key: key, durable: false)
    }
    return contents
  }

  private func kept(_ key: String) throws -> PackageContents? {
    guard let record = try store.record(kind: Self.recordKind, key: key),
      record.count > SHA256Digest.byteCount,
      let blob = SHA256Digest(record.prefix(SHA256Digest.byteCount)),
      let data = try? UnpackedData(blob, in: store)
    else { return nil }
    opened.note(OpenedPackages.Entry(key: key, blob: blob, data: data))
    return try? PackageContents(decoding: Array(record.dropFirst(SHA256Digest.byteCount)), data: data)
  }

  private func checked(_ contents: PackageContents, _ locked: LockFile.Package) throws(BuildError)
    -> PackageContents
  {
    guard contents.name == locked.name, contents.version == locked.version else {
      throw BuildError(
        .lock,
        "\(locked.path) is \(contents.name) \(contents.version), but the lock says \(locked.name) \(locked.version)"
      )
    }
    let architecture = contents.control["Architecture"] ?? ""
    guard architecture == locked.architecture else {
      throw BuildError(
        .lock,
        "\(locked.path) is of architecture \(architecture), but the lock says \(locked.architecture): run netimg lock"
      )
    }
    guard architecture == "all" || architecture == image.architecture.value.rawValue else {
      throw BuildError(
        .lock,
        "\(locked.path) is of architecture \(architecture), but the image is of \(image.architecture.value.rawValue): "
          + "run netimg lock")
    }
    // Debian writes Source where it is another name than the package's, a version behind it where that differs.
    let source = contents.control["Source"]?.prefix { $0 != " " && $0 != "(" }.description ?? contents.name
    guard source == locked.source.prefix(while: { $0 != " " && $0 != "(" }) else {
      throw BuildError(
        .lock,
        "\(locked.path) is made from source \(source), but the lock says \(locked.source): run netimg lock")
    }
    return contents
  }

  private func isReviewed(_ package: String, _ script: PackageContents.Script) -> Bool {
    image.declarations.scripts.contains {
      $0.package == package && $0.script.rawValue == script.name.rawValue
        && $0.digests.contains(script.digest)
    }
  }
}

/// The unpacked packages that a build reads from.
private final class OpenedPackages: Sendable {
  struct Entry: Sendable {
    let key: String
    let blob: SHA256Digest
    let data: UnpackedData
  }

  private let entries = Mutex<[Entry]>([])

  func note(_ entry: Entry) { entries.withLock { $0.append(entry) } }

  var damaged: [Entry] { entries.withLock { $0.filter { $0.data.isDamaged } } }
}
