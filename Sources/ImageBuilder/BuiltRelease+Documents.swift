internal import Bytes
internal import DebianArchive
internal import FrameFormat
internal import Manifest
internal import Provenance

extension BuiltRelease {
  /// A file of the release except frames, hashed once.
  struct DigestedFile {
    let name: String
    let content: ByteRope
    let digest: SHA256Digest

    init(_ name: String, _ content: ByteRope) {
      self.name = name
      self.content = content
      digest = content.digest
    }
  }

  /// The boot artifacts, and beside them lock, packs, SBOM and provenance; by name.
  ///
  /// The provenance names every other file, release.json names the provenance: no file has to name itself.
  static func describe(
    _ boot: [(name: String, content: ByteRope)], _ inputs: BuildInputs, root: RootImage,
    inventory: ImageInventory
  ) throws -> [DigestedFile] {
    let suite = inputs.image.suite.value.name
    let debian = inputs.lock.archives.first { $0.suite == suite }?.version.prefix { $0 != "." } ?? ""
    let distribution = debian.isEmpty ? "" : "debian-\(debian)"
    let sbom = SPDXDocument(
      name: inputs.image.name, version: inputs.version,
      architecture: inputs.image.architecture.value.rawValue,
      created: ReleaseDate(seconds: Int64(clamping: inputs.timestamp)).description,
      rootHash: root.index.rootHash, lockDigest: inputs.lockDigest, distribution: distribution,
      tool: "netimg-\(BuilderVersion.current)", parts: inventory.parts)
    var files = boot.map { DigestedFile($0.name, $0.content) }
    files.append(DigestedFile(ReleaseFile.lock, ByteRope(inputs.lock.encoded())))
    files.append(
      DigestedFile(
        ReleaseFile.packs, ByteRope(try inventory.packs.naming(componentsOf: inputs.image).encode())))
    files.append(DigestedFile(ReleaseFile.sbom, ByteRope(sbom.encode())))
    files.sort { $0.name < $1.name }
    let statement = SLSAStatement(
      subjects: files.map { SLSAStatement.Resource(name: $0.name, digest: $0.digest.hex) },
      manifest: inputs.image.manifestPath, commit: inputs.commit, isDirty: inputs.isDirty,
      compressionLevel: inputs.compressionLevel, version: BuilderVersion.current,
      formats: BuilderVersion.formats, zstd: FrameCodec.encoder,
      dependencies: dependencies(inputs, distribution: distribution))
    files.append(DigestedFile(ReleaseFile.provenance, ByteRope(statement.encode())))
    return files.sorted { $0.name < $1.name }
  }

  private static func dependencies(
    _ inputs: BuildInputs, distribution: String
  ) -> [SLSAStatement.Resource] {
    var resources: [SLSAStatement.Resource] = []
    if let commit = inputs.commit {
      resources.append(SLSAStatement.Resource(name: "sources", algorithm: "gitCommit", digest: commit))
    }
    resources += [
      // Over the manifest, its components and their files: not the digest of one file.
      SLSAStatement.Resource(
        name: inputs.image.manifestPath, algorithm: "netimgSources", digest: inputs.image.sourceDigest.hex),
      SLSAStatement.Resource(name: ReleaseFile.lock, digest: inputs.lockDigest.hex),
      SLSAStatement.Resource(name: "netimg-init", digest: SHA256.digest(of: inputs.stage0).hex),
    ]
    for archive in inputs.lock.archives {
      resources.append(
        SLSAStatement.Resource(
          name: "\(archive.archive)/dists/\(archive.suite)/InRelease", digest: archive.digest.hex,
          annotations: ["date": archive.date.description]))
    }
    for package in inputs.lock.packages {
      resources.append(
        SLSAStatement.Resource(
          name: "\(package.archive)/\(package.path)",
          uri: PackageURL.debian(
            name: package.name, version: package.version, architecture: package.architecture,
            distribution: distribution), digest: package.digest.hex))
    }
    return resources
  }
}
