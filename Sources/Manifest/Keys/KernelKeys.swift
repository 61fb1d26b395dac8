/// The keys of `kernel` and `limits`.
enum KernelKeys {
  static let package = Key(
    "package", .text(.packageName), "The package with the kernel.", example: "linux-image-cloud-amd64",
    required: true)
  static let stub = Key(
    "stub", .text(.packageName), "The package with the EFI stub.", example: "systemd-boot-efi",
    fallback: "systemd-boot-efi")
  static let modules = Key(
    "modules", .list(of: module), "Modules to ship with what they depend on; - and _ are the same.",
    example: "[virtio_net, vxlan]")
  static let commandLine = Key(
    "commandLine", .list(of: .text(.kernelParameter)), "Kernel parameters in their order, one an item.",
    example: "[console=ttyS0]")

  /// The kernel itself looks names up with `_`.
  static let module = ValueType<String>.text(.module).map { name, _, _ in
    String(name.map { $0 == "-" ? "_" : $0 })
  }

  struct Kernel: Sendable {
    var package: Located<String>?
    var stub: Located<String>?
    var modules: [Located<String>] = []
    var commandLine: [Located<String>] = []
  }

  static let imageKernel = ValueType<Kernel>.object(
    "ImageKernel", "The kernel, its modules and its command line.",
    keys: [package, stub, modules, commandLine]
  ) { fields, _ in
    Kernel(
      package: fields.located(package), stub: fields.located(stub), modules: fields[modules] ?? [],
      commandLine: fields[commandLine] ?? [])
  }

  static let componentKernel = ValueType<Kernel>.object(
    "ComponentKernel", "What a component needs of the kernel.", keys: [modules, commandLine]
  ) { fields, _ in Kernel(modules: fields[modules] ?? [], commandLine: fields[commandLine] ?? []) }

  static let imageLimit = Key("image", .byteCount, "The uncompressed root image.", example: "160MiB")
  static let ukiLimit = Key("uki", .byteCount, "The unified kernel image.", example: "45MiB")
  static let fileLimit = Key("file", .byteCount, "Any single file of the root image.", example: "64MiB")

  static let limits = ValueType<Limits>.object(
    "Limits", "Sizes that the build must not exceed: bytes, or a number with B, KiB, MiB or GiB.",
    keys: [imageLimit, ukiLimit, fileLimit]
  ) { fields, _ in
    Limits(
      image: fields.located(imageLimit), uki: fields.located(ukiLimit), file: fields.located(fileLimit))
  }
}
