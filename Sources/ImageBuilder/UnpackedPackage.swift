package import DebianPackage
package import Manifest

/// What the image takes from one package: nothing of it has been executed, and nothing ever is.
package struct UnpackedPackage: Sendable {
  package let name: String
  package let version: String
  /// The `control` paragraph, for the dpkg status that scanners read.
  package let control: ControlParagraph
  /// The paths that go into the image, conffiles included; those that the manifest drops are not here.
  package let entries: [DebEntry]
  package let conffiles: Set<String>
  /// What the package's scripts and triggers would have done and the builder does instead.
  package let actions: [ScriptAction]
  /// The kernel, if the package holds one.
  package let kernel: KernelFiles?

  /// A kernel package's parts that do not go into the root as they are.
  package struct KernelFiles: Sendable {
    /// What `uname -r` will say.
    package let release: String
    /// The bzImage.
    package let image: [UInt8]
    /// The kernel's configuration text.
    package let configuration: [UInt8]
    /// Modules as the package ships them, by path below `usr/lib/modules/RELEASE/`, such as `kernel/fs/erofs/erofs.ko.xz`.
    package let modules: [String: [UInt8]]
    /// `modules.order`, `modules.builtin` and `modules.builtin.modinfo`, by name.
    package let lists: [String: [UInt8]]
  }

  /// Opens a .deb and keeps what the image wants of it.
  ///
  /// - Parameter drops: the manifest's rules for what is left out.
  package init(_ deb: DebFile, drops: [DropRule], actions: [ScriptAction]) throws {
    name = deb.packageName
    version = deb.version.description
    control = deb.control
    conffiles = Set(deb.conffiles.map(RootTree.canonical))
    self.actions = actions
    func isDropped(_ path: String) -> Bool {
      drops.contains { $0.drops("/" + RootTree.canonical(path)) }
    }
    let all = try deb.entries { path, _ in !isDropped(path) }
    if let image = all.first(where: { $0.path.hasPrefix("boot/vmlinuz-") }) {
      let release = String(image.path.dropFirst("boot/vmlinuz-".count))
      kernel = try Self.kernelFiles(all, release: release, package: name)
      entries = all.filter { entry in
        let path = RootTree.canonical(entry.path)
        return path != "boot" && !path.hasPrefix("boot/") && !path.hasPrefix("usr/lib/modules/")
          && !isDropped(path)
      }
    } else {
      kernel = nil
      // A directory that is dropped may still be needed for something kept below it; it comes back as a parent then.
      entries = all.filter { !isDropped($0.path) }
    }
  }

  private static func kernelFiles(
    _ entries: [DebEntry], release: String, package: String
  ) throws(BuildError) -> KernelFiles {
    let prefix = "usr/lib/modules/\(release)/"
    var modules: [String: [UInt8]] = [:]
    var lists: [String: [UInt8]] = [:]
    var image: [UInt8]?
    var configuration: [UInt8] = []
    for entry in entries {
      guard case .file(_, let content?) = entry.kind else { continue }
      let path = RootTree.canonical(entry.path)
      if path == "boot/vmlinuz-\(release)" { image = content }
      if path == "boot/config-\(release)" { configuration = content }
      guard path.hasPrefix(prefix) else { continue }
      let rest = String(path.dropFirst(prefix.count))
      if rest.hasPrefix("kernel/") { modules[rest] = content } else { lists[rest] = content }
    }
    guard let image else {
      throw BuildError(
        .badInput, "package \(package) lists the kernel \(release), but the manifest drops the file")
    }
    return KernelFiles(
      release: release, image: image, configuration: configuration, modules: modules, lists: lists)
  }
}
