package import Bytes
internal import FrameFormat
internal import ImageFormat
internal import Manifest

/// A release in memory: every file's bytes, and what release.json says of them.
package struct BuiltRelease: Sendable {
  package let release: Release
  /// The files of the release except release.json and its signature, by name; frames are `frames/SHA-256`.
  package let files: [(name: String, content: ByteRope)]
  /// The bytes of release.json.
  package let manifest: [UInt8]

  /// The release's name: the SHA-256 of release.json.
  package var digest: SHA256Digest { SHA256.digest(of: manifest) }
}

extension BuiltRelease {
  /// What the kernel and stage 0 are made of.
  struct BootParts {
    let kernelRelease: String
    let kernel: [UInt8]
    let stub: [UInt8]
    let initrdModules: [Initrd.Module]
    let osRelease: [UInt8]
  }

  /// Puts the initrd and the UKI together around a finished root image, and describes all of it.
  static func assemble(
    _ inputs: BuildInputs, root: RootImage, cache: FrameCache, boot: BootParts, inventory: ImageInventory
  ) throws -> BuiltRelease {
    let index = root.index.encode()
    let initrd = try Initrd.write(
      stage0: inputs.stage0, modules: boot.initrdModules, image: root,
      compressionLevel: inputs.compressionLevel, cache: cache)
    let commandLine =
      (inputs.image.declarations.commandLine.map(\.value) + ["netimg.index=\(SHA256.digest(of: index).hex)"])
      .joined(separator: " ")
    // .linux comes last, as ukify does it: some firmware gives the kernel the room behind it.
    let uki = try UnifiedKernelImage.assemble(
      stub: boot.stub,
      sections: [
        (".osrel", ByteRope(boot.osRelease)), (".cmdline", ByteRope(Array(commandLine.utf8))),
        (".uname", ByteRope(Array(boot.kernelRelease.utf8))), (".initrd", initrd),
        (".linux", ByteRope(boot.kernel)),
      ])
    let pcr11 = PCR11.expected(of: try PEImage(uki))

    let artifacts = try describe(
      [
        (ReleaseFile.initrd, initrd), (ReleaseFile.index, ByteRope(index)), (ReleaseFile.uki, uki),
        (ReleaseFile.kernel, ByteRope(boot.kernel)),
      ], inputs, root: root, inventory: inventory)
    var frames: [(name: String, content: ByteRope)] = []
    var seen: Set<SHA256Digest> = []
    for (frame, stored) in zip(root.index.frames, root.frames) where seen.insert(frame.digest).inserted {
      frames.append(("\(ReleaseFile.frames)/\(frame.digest.hex)", ByteRope(stored)))
    }
    let release = Release(
      format: Release.currentFormat, name: inputs.image.name, version: inputs.version,
      architecture: inputs.image.architecture.value.rawValue, timestamp: inputs.timestamp,
      source: Release.Source(
        commit: inputs.commit, dirty: inputs.isDirty, manifest: inputs.image.manifestPath,
        manifestDigest: inputs.image.sourceDigest.hex, lockDigest: inputs.lockDigest.hex,
        stage0Digest: SHA256.digest(of: inputs.stage0).hex),
      kernel: Release.Kernel(release: boot.kernelRelease, commandLine: commandLine),
      root: Release.Root(
        hash: root.index.rootHash.hex, size: root.index.imageSize, dataSize: root.index.dataSize,
        frames: root.index.frames.count, framesSize: root.frames.reduce(0) { $0 + UInt64($1.count) }),
      pcr11: Release.ExpectedPCR(boot: pcr11.hex),
      artifacts: artifacts.map {
        Release.Artifact(name: $0.name, sha256: $0.digest.hex, size: UInt64($0.content.count))
      },
      exceptions: inputs.image.declarations.exceptions.map {
        Release.Exception(rule: $0.rule, path: $0.path, reason: $0.reason)
      },
      builder: Release.Builder(
        version: BuilderVersion.current, compressionLevel: inputs.compressionLevel,
        formats: BuilderVersion.formats, zstd: FrameCodec.encoder))
    return BuiltRelease(
      release: release, files: artifacts.map { ($0.name, $0.content) } + frames,
      manifest: try release.encode())
  }
}

/// What this program calls itself in releases.
package enum BuilderVersion {
  package static let current = "0.1.0"

  /// The versions of everything whose bytes go into a release.
  package static let formats = [
    "cpio": CpioArchive.formatVersion, "erofs": EROFS.formatVersion, "frame": FrameCodec.formatVersion,
    "index": Int(RootIndex.formatVersion), "initrd": Initrd.formatVersion,
    "uki": UnifiedKernelImage.formatVersion,
    "verity": DmVerity.formatVersion,
  ]
}
