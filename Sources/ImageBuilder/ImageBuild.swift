package import BlobStore
internal import Bytes
internal import DebianArchive
internal import ImageFormat
internal import Manifest

/// A build: from a lock file and a store to a release in memory.
///
/// It opens no socket, starts no program, needs no privilege and looks at nothing but its inputs and the store.
package enum ImageBuild {
  /// - Parameters:
  ///   - usesKept: whether what earlier builds left in the store counts, or all is made anew from the packages.
  ///   - report: told when a phase begins.
  package static func run(
    _ inputs: BuildInputs, store: BlobStore, usesKept: Bool = true,
    report: @escaping @Sendable (BuildPhase) -> Void = { _ in }
  ) async throws -> BuiltRelease {
    let image = inputs.image
    let disagreements = inputs.lock.check(against: image)
    guard disagreements.isEmpty else {
      throw BuildError(
        .lock, disagreements.map { "\(image.manifestPath): \($0): run netimg lock" }.joined(separator: "\n"))
    }
    guard image.architecture.value == .amd64 else {
      throw BuildError(
        .manifest,
        "\(image.architecture.location): images for \(image.architecture.value) cannot be built yet: use amd64"
      )
    }
    try StageZeroProgram.check(inputs.stage0)

    let unpacker = PackageUnpacker(image: image, store: store, usesKept: usesKept)
    let cache = FrameCache(store: store, usesKept: usesKept)
    let result: Result<BuiltRelease, any Error>
    do {
      result = .success(try await build(inputs, unpacker, cache, report))
    } catch {
      result = .failure(error)
    }
    // Whatever came of damaged bytes is worth nothing; a second time they come from the packages themselves.
    guard unpacker.dropDamaged() else { return try result.get() }
    // Damage in a store that cannot be written is still there, so nothing kept counts this time.
    return try await build(
      inputs, PackageUnpacker(image: image, store: store, usesKept: false), cache, report)
  }

  private static func build(
    _ inputs: BuildInputs, _ unpacker: PackageUnpacker, _ cache: FrameCache,
    _ report: @escaping @Sendable (BuildPhase) -> Void
  ) async throws -> BuiltRelease {
    let image = inputs.image
    report(.unpacking)
    let packages = try await unpack(inputs.lock.packages.filter { $0.role == .image }, unpacker)
    guard let stubPackage = inputs.lock.package(named: image.stubPackage.value) else {
      throw BuildError(
        .lock, "\(image.stubPackage.location): \(image.stubPackage.value) is not locked: run netimg lock")
    }
    let stub = try unpacker.file("usr/lib/systemd/boot/efi/linuxx64.efi.stub", of: stubPackage)

    report(.composing)
    let composed = try await ImageComposer(inputs, packages: packages).compose()
    guard let osRelease = composed.tree["usr/lib/os-release"]?.bytes else {
      throw BuildError(.manifest, "the image has no /usr/lib/os-release: remove the rule that drops it")
    }

    report(.checking)
    let findings = try await RootChecks.findings(
      in: CheckedRoot(composed.tree, declarations: image.declarations, limits: image.limits))
    do {
      let release = try await assemble(inputs, composed, packages, stub: stub, osRelease, cache, report)
      // The list is to be complete: what breaks a size limit is known only now.
      let all = (findings + ReleaseChecks.findings(in: release, image: image)).sorted()
      guard all.isEmpty else { throw BuildError.policy(all) }
      return release
    } catch let error as BuildError where error.code == .policy {
      throw error
    } catch {
      guard findings.isEmpty else { throw BuildError.policy(findings) }
      throw error
    }
  }

  private static func assemble(
    _ inputs: BuildInputs, _ composed: ImageComposer.Result, _ packages: [UnpackedPackage], stub: [UInt8],
    _ osRelease: [UInt8], _ cache: FrameCache, _ report: @escaping @Sendable (BuildPhase) -> Void
  ) async throws -> BuiltRelease {
    report(.compressing)
    async let inventory = ImageInventory(composed.tree, packages: packages, lock: inputs.lock)
    let root = try await RootImage.write(
      composed.tree, accounts: composed.accounts,
      options: RootImageOptions(
        compressionLevel: inputs.compressionLevel, timestamp: inputs.timestamp, label: inputs.image.name),
      cache: cache)

    report(.assembling)
    return try await BuiltRelease.assemble(
      inputs, root: root, cache: cache,
      boot: BuiltRelease.BootParts(
        kernelRelease: composed.kernel.release, kernel: padded(composed.kernel.image.bytes), stub: stub,
        initrdModules: composed.initrdModules, osRelease: osRelease),
      inventory: inventory)
  }

  /// Unpacks on all cores, the largest first: the kernel takes as long as half of all the others, and begun in its turn
  /// it would be what everything waits for at the end. The result is in the lock's order.
  private static func unpack(
    _ packages: [LockFile.Package], _ unpacker: PackageUnpacker
  ) async throws -> [UnpackedPackage] {
    let order = packages.indices.sorted { (packages[$0].size, $1) > (packages[$1].size, $0) }
    let unpacked = try await concurrentMap(order, limit: 3) { try unpacker.unpack(packages[$0]) }
    return zip(order, unpacked).sorted { $0.0 < $1.0 }.map(\.1)
  }

  /// The kernel with zeros up to the size that it has in memory. The EFI stub starts it in place and measures all of
  /// that; so the file, the section and the measurement are the same bytes, for every tool.
  private static func padded(_ kernel: [UInt8]) -> [UInt8] {
    let size = UnifiedKernelImage.virtualSize(of: ".linux", ByteRope(kernel))
    return kernel + [UInt8](repeating: 0, count: size - kernel.count)
  }
}
