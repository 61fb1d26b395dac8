internal import Bytes
internal import DebianArchive
internal import DebianPackage
internal import Provenance

/// Everything in a root by where it comes from, with each file's digests: what the SBOM and packs.json are written from.
struct ImageInventory: Sendable {
  let packs: PackList
  let parts: [SPDXDocument.Part]

  /// Hashes every file once, on all cores.
  init(_ tree: RootTree, packages: [UnpackedPackage], lock: LockFile) async throws {
    packs = PackList(tree)
    let files = try await Self.files(of: tree)
    let licenses = try await concurrentMap(packages) { package in
      // Packages of one source may share a directory of documents by a link.
      (package.copyright?.bytes ?? tree.node(at: "usr/share/doc/\(package.name)/copyright")?.bytes)
        .flatMap { PackageLicense(copyright: $0, package: package.name) }
    }
    let names = Set(packages.map(\.name))
    var providers: [String: [String]] = [:]
    for package in packages {
      for provided in DependencyField.clauses(package.control["Provides"] ?? "").joined() {
        providers[provided, default: []].append(package.name)
      }
    }
    var parts: [SPDXDocument.Part] = []
    for (package, license) in zip(packages, licenses) {
      guard let locked = lock.package(named: package.name) else { continue }
      let fields = ["Pre-Depends", "Depends"].compactMap { package.control[$0] }
      let dependencies = fields.flatMap {
        DependencyField.resolve($0, packages: names, providers: providers)
      }
      parts.append(
        SPDXDocument.Part(
          name: package.name, version: package.version,
          origin: .debian(
            SPDXDocument.Debian(
              locked, control: package.control, license: license,
              dependencies: Set(dependencies).subtracting([package.name]).sorted())),
          files: files[PackName(.package, package.name)] ?? []))
    }
    for locked in lock.packages where locked.role == .build {
      parts.append(
        SPDXDocument.Part(
          name: locked.name, version: locked.version,
          origin: .boot(SPDXDocument.Debian(locked, control: nil, license: nil, dependencies: [])), files: [])
      )
    }
    for (pack, files) in files.sorted(by: { $0.key < $1.key }) where pack.kind != .package {
      parts.append(
        SPDXDocument.Part(
          name: pack.kind == .generated ? "generated files" : pack.description,
          version: pack.kind == .stage0 ? BuilderVersion.current : nil,
          origin: .other(Self.sentence(pack)), files: files))
    }
    self.parts = parts
  }

  private static func files(of tree: RootTree) async throws -> [PackName: [SPDXDocument.File]] {
    var paths: [(path: String, pack: PackName, content: FileContent)] = []
    for path in tree.sortedPaths {
      guard let node = tree[path], case .file(let content) = node.kind else { continue }
      paths.append((path, node.pack.listed, content))
    }
    // A task a file would cost more than most files do.
    let batchSize = 32
    let batches = stride(from: 0, to: paths.count, by: batchSize)
      .map { paths[$0..<min($0 + batchSize, paths.count)].map(\.content) }
    let digests = try await concurrentMap(batches) { $0.map { $0.digests } }.joined()
    var files: [PackName: [SPDXDocument.File]] = [:]
    for (item, digest) in zip(paths, digests) {
      files[item.pack, default: []].append(SPDXDocument.File(path: item.path, digests: digest))
    }
    return files
  }

  private static func sentence(_ pack: PackName) -> String {
    switch pack.kind {
    case .component: "What the component images/\(pack.name) declares."
    case .image: "What the manifest of \(pack.name) declares."
    case .stage0: "The initrd's first program, which is also kept in the image."
    case .package, .generated: "What netimg makes from the manifest, and in the place of maintainer scripts."
    }
  }
}

extension SPDXDocument.Debian {
  /// - Parameter control: the package's own paragraph; `nil` if the package is not unpacked.
  fileprivate init(
    _ locked: LockFile.Package, control: ControlParagraph?, license: PackageLicense?, dependencies: [String]
  ) {
    // Source: is written only where name or version differ, as "name (version)".
    let words = (control?["Source"] ?? locked.source).split(separator: " ")
    let sourceVersion = words.count > 1 ? words[1].filter { $0 != "(" && $0 != ")" } : locked.version
    self.init(
      architecture: locked.architecture, path: locked.path, digest: locked.digest,
      source: "\(locked.source) \(sourceVersion)", maintainer: control?["Maintainer"],
      homepage: control?["Homepage"], license: license, dependencies: dependencies)
  }
}
