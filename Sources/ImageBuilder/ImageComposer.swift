internal import DebianArchive
internal import DebianPackage
internal import Manifest
internal import NativeActions

/// Turns unpacked packages and declarations into the finished root, doing natively what package scripts would have done.
struct ImageComposer {
  /// What composing yields.
  struct Result {
    let tree: RootTree
    let accounts: AccountNumbers
    let kernel: UnpackedPackage.KernelFiles
    let initrdModules: [Initrd.Module]
  }

  private let inputs: BuildInputs
  private let packages: [UnpackedPackage]
  private var tree = RootTree()

  init(_ inputs: BuildInputs, packages: [UnpackedPackage]) {
    self.inputs = inputs
    self.packages = packages.sorted { $0.name < $1.name }
  }

  /// The order matters: later steps read what earlier ones put there.
  consuming func compose() async throws -> Result {
    let declarations = inputs.image.declarations
    let replacements = reviewedReplacements()
    for package in packages { try tree.add(package) }
    try tree.add(declarations)
    for replacement in replacements { try tree.add(replacement) }
    addStageZero()
    let (kernel, modules) = try await addKernelModules()

    try addAlternatives()
    let accounts = try tree.addAccounts(
      users: declarations.users + replacements.flatMap(\.users),
      groups: declarations.groups + replacements.flatMap(\.groups))
    tree.addSysctls(declarations.sysctls)
    tree.addIdentity(inputs)
    try tree.applyTmpfiles()
    try tree.addCertificates()
    try tree.cacheLibraries(machine: inputs.image.architecture.value == .amd64 ? .amd64 : .arm64)
    try tree.enableUnits(declarations.enabledUnits, masked: declarations.maskedUnits)
    try tree.apply(declarations.permissions + replacements.flatMap(\.permissions))
    try tree.moveVariableData(accounts: accounts)
    tree.addPackageStatus(packages)
    return Result(tree: tree, accounts: accounts, kernel: kernel, initrdModules: modules)
  }

  /// What the manifests put in the place of reviewed scripts, for packages that are in the image.
  private func reviewedReplacements() -> [Declarations] {
    let present = Set(packages.map(\.name))
    return inputs.image.declarations.scripts.filter { present.contains($0.package) }.map { review in
      var declarations = Declarations()
      declarations.users = review.replacement.users
      declarations.groups = review.replacement.groups
      declarations.directories = review.replacement.directories
      declarations.links = review.replacement.links
      declarations.files = review.replacement.files
      declarations.permissions = review.replacement.permissions
      return declarations
    }
  }

  private mutating func addStageZero() {
    let pack = PackName(.stage0, "netimg-init")
    tree.put(
      RootNode(.file(FileContent(inputs.stage0)), mode: 0o755, pack: pack), at: "usr/lib/netimg/netimg-init")
  }

  private mutating func addKernelModules() async throws -> (UnpackedPackage.KernelFiles, [Initrd.Module]) {
    let kernels = packages.filter { $0.kernel != nil }
    guard let package = kernels.first, let kernel = package.kernel, kernels.count == 1 else {
      throw BuildError(
        .manifest,
        "\(inputs.image.kernelPackage.location): \(inputs.image.kernelPackage.value) brings \(kernels.count) kernels; an image has one"
      )
    }
    var modules = KernelModules(kernel)
    let optional = modules.existing(StageZeroModules.optional)
    let files = try await modules.files(
      inputs.image.declarations.modules, stage0: StageZeroModules.required + optional)
    let directory = "usr/lib/modules/\(kernel.release)"
    for (path, bytes) in files.sorted(by: { $0.key < $1.key }) {
      // Indexes depend on the choice of modules, modules themselves only on their package.
      let isModule = path.hasPrefix("kernel/")
      let pack = isModule ? PackName(.package, package.name) : PackName(.generated, "modules")
      tree.put(RootNode(.file(FileContent(bytes)), mode: 0o644, pack: pack), at: "\(directory)/\(path)")
    }
    tree.putFile("\(directory)/config", kernel.configuration.bytes)
    return (kernel, modules.loadOrder(required: StageZeroModules.required, optional: optional))
  }

  private mutating func addAlternatives() throws {
    let tree = tree
    func isPresent(_ path: String) -> Bool { tree.resolve(RootTree.canonical(path)) != nil }
    var candidates: [Alternatives.Candidate] = []
    for package in packages {
      for action in package.actions {
        // What the manifest drops (a manual page, say) is no alternative.
        guard case .alternative(let master, let priority, let slaves) = action, isPresent(master.path) else {
          continue
        }
        candidates.append(
          Alternatives.Candidate(
            origin: "package \(package.name)", link: master.link, name: master.name, path: master.path,
            priority: priority,
            followers: slaves.map { Alternatives.Follower(link: $0.link, name: $0.name, path: $0.path) }))
      }
    }
    var overrides: [String: String] = [:]
    for choice in inputs.image.declarations.alternatives { overrides[choice.name] = choice.path }
    for link in try Alternatives.links(candidates, overrides: overrides, isPresent: isPresent) {
      self.tree.putLink(RootTree.canonical(link.path), to: link.target)
    }
  }
}
