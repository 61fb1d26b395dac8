/// A `kind: Component` manifest by itself.
struct ComponentManifest: Sendable {
  let name: Located<String>
  let requires: [Located<String>]
  var declarations: Declarations
}

/// The keys of `kind: Component`.
enum ComponentKeys {
  enum Kind: String, Sendable, CaseIterable {
    case component = "Component"
  }

  static let kind = Key(
    "kind", .enumeration(Kind.allCases), "What this describes.", example: "Component", required: true)
  static let name = Key(
    "name", .text(.name), "The component's name, that of its folder.", example: "frr", required: true)
  static let requires = Key(
    "requires", .list(of: .text(.name)), "Components that this one needs.", example: "[base]")
  static let kernel = Key(
    "kernel", KernelKeys.componentKernel, "What the component needs of the kernel.",
    example: "{modules: [vxlan]}")

  static let component = ValueType<ComponentManifest>.object(
    "Component", "A reusable part of images, in a folder of its own under images/.",
    keys: [
      ManifestKeys.apiVersion, kind, name, ManifestKeys.description, requires, ManifestKeys.packages, kernel,
    ] + ManifestKeys.declarations
  ) { fields, _ in
    guard let name = fields.located(name) else { return nil }
    return ComponentManifest(
      name: name, requires: fields[requires] ?? [],
      declarations: ManifestKeys.declarations(from: fields, kernel: fields[kernel]))
  }
}
