/// A `kind: Image` manifest by itself.
struct ImageManifest: Sendable {
  let name: Located<String>
  let description: String
  let version: Located<String>?
  let architecture: Located<Architecture>
  let suite: Located<Suite>
  let kernelPackage: Located<String>
  let stubPackage: Located<String>
  let components: [Located<String>]
  let limits: Limits
  let declarations: Declarations
}

/// The keys of `kind: Image`.
enum ImageKeys {
  enum Kind: String, Sendable, CaseIterable {
    case image = "Image"
  }

  static let kind = Key(
    "kind", .enumeration(Kind.allCases), "What this describes.", example: "Image", required: true)
  static let name = Key("name", .text(.name), "The image's name.", example: "edge-router", required: true)
  static let version = Key(
    "version", .text(.version), "The image's version; the git revision gives it if it is missing.",
    example: "1.2.0")
  static let architecture = Key(
    "architecture", .enumeration(Architecture.allCases), "The processor architecture, in Debian's words.",
    example: "amd64", required: true)
  static let suite = Key(
    "suite", SuiteKeys.suite, "Where packages come from.",
    example: "{name: trixie, keyring: /usr/share/keyrings/debian-archive-keyring.gpg}", required: true)
  static let components = Key(
    "components", .list(of: .text(.name)), "Components to use, with what they require.",
    example: "[base, frr]")
  static let kernel = Key(
    "kernel", KernelKeys.imageKernel, "The kernel, its modules and its command line.",
    example: "{package: linux-image-cloud-amd64}", required: true)
  static let limits = Key(
    "limits", KernelKeys.limits, "Sizes that the build must not exceed.",
    example: "{image: 160MiB, uki: 45MiB}")

  static let image = ValueType<ImageManifest>.object(
    "Image", "A bootable image.",
    keys: [
      ManifestKeys.apiVersion, kind, name, ManifestKeys.description, version, architecture, suite, components,
      ManifestKeys.packages, kernel,
    ] + ManifestKeys.declarations + [limits]
  ) { fields, _ in
    let kernel = fields[kernel]
    guard let name = fields.located(name), let architecture = fields.located(architecture),
      let suite = fields.located(suite), let package = kernel?.package, let stub = kernel?.stub
    else { return nil }
    return ImageManifest(
      name: name, description: fields[ManifestKeys.description] ?? "", version: fields.located(version),
      architecture: architecture, suite: suite, kernelPackage: package, stubPackage: stub,
      components: fields[components] ?? [], limits: fields[limits] ?? Limits(),
      declarations: ManifestKeys.declarations(from: fields, kernel: kernel))
  }
}
