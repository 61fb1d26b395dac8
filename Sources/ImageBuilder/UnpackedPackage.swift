package import Bytes
package import DebianPackage
package import Manifest

/// What the image takes from one package: nothing of it has been executed, and nothing ever is.
package struct UnpackedPackage: Sendable {
  package let name: String
  package let version: String
  /// The `control` fields, for the dpkg status that scanners read.
  package let control: ControlParagraph
  /// The paths that go into the image, conffiles included; those that the manifest drops are not here.
  package let entries: [PackageContents.Entry]
  package let conffiles: Set<ExactString>
  /// What the package's scripts and triggers would have done and the builder does instead.
  package let actions: [ScriptAction]
  /// The kernel, if the package holds one.
  package let kernel: KernelFiles?
  /// `/usr/share/doc/NAME/copyright`, whether or not the image keeps it; `nil` if another package has it.
  package let copyright: FileContent?

  /// A kernel package's parts that do not go into the root as they are.
  package struct KernelFiles: Sendable {
    /// What `uname -r` will say.
    package let release: String
    /// The bzImage.
    package let image: FileContent
    /// The kernel's configuration text.
    package let configuration: FileContent
    /// Modules as the package ships them, by path below `usr/lib/modules/RELEASE/`, such as
    /// `kernel/fs/erofs/erofs.ko.xz`.
    package let modules: [String: FileContent]
    /// `modules.order`, `modules.builtin` and `modules.builtin.modinfo`, by name.
    package let lists: [String: FileContent]
  }

  /// Keeps what the image wants of a package.
  ///
  /// - Parameters:
  ///   - drops: the manifest's rules for what is left out.
  ///   - actions: those of the scripts that are not replaced by a review.
  package init(_ contents: PackageContents, drops: [DropRule], actions: [ScriptAction]) throws {
    name = contents.name
    version = contents.version
    control = contents.control
    conffiles = Set(contents.conffiles.map { ExactString(RootTree.canonical($0)) })
    self.actions = actions
    copyright = Self.copyright(of: contents)
    let kept = contents.entries.filter { entry in
      let path = "/" + RootTree.canonical(entry.path)
      return !drops.contains { $0.drops(path) }
    }
    let image = contents.entries.first { $0.path.hasPrefix("boot/vmlinuz-") }
    guard let image else {
      kernel = nil
      // A directory that is dropped may still be needed for something kept below it; it comes back as a parent then.
      entries = kept
      return
    }
    let release = String(image.path.dropFirst("boot/vmlinuz-".count))
    // A module that is dropped is none that the image could have; the kernel itself cannot be dropped.
    kernel = try Self.kernelFiles(
      contents.entries.filter { $0.path.hasPrefix("boot/") } + kept, release: release, package: name)
    entries = kept.filter { entry in
      let path = RootTree.canonical(entry.path)
      return path != "boot" && !path.hasPrefix("boot/") && !path.hasPrefix("usr/lib/modules/")
    }
  }

  private static func copyright(of contents: PackageContents) -> FileContent? {
    let path = "usr/share/doc/\(contents.name)/copyright"
    for entry in contents.entries where entry.path == path {
      if case .file(let content) = entry.kind { return content }
    }
    return nil
  }

  private static func kernelFiles(
    _ entries: [PackageContents.Entry], release: String, package: String
  ) throws(BuildError) -> KernelFiles {
    let prefix = "usr/lib/modules/\(release)/"
    var modules: [String: FileContent] = [:]
    var lists: [String: FileContent] = [:]
    var image: FileContent?
    var configuration = FileContent([])
    for entry in entries {
      guard case .file(let content) = entry.kind else { continue }
      let path = RootTree.canonical(entry.path)
      if path == "boot/vmlinuz-\(release)" { image = content }
      if path == "boot/config-\(release)" { configuration = content }
      guard path.hasPrefix(prefix) else { continue }
      let rest = String(path.dropFirst(prefix.count))
      if rest.hasPrefix("kernel/") { modules[rest] = content } else { lists[rest] = content }
    }
    guard let image else {
      throw BuildError(.badInput, "package \(package): /boot/vmlinuz-\(release) is no regular file")
    }
    return KernelFiles(
      release: release, image: image, configuration: configuration, modules: modules, lists: lists)
  }
}
