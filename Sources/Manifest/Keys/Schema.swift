/// The kinds of manifest: what the decoder dispatches on, and what the JSON Schema and the reference list.
enum Schema {
  /// The forms of the kinds, in the order of the reference. A new kind begins here.
  static func shape(of kind: ManifestKind) -> ObjectShape? {
    let shape =
      switch kind {
      case .image: ImageKeys.image.shape
      case .component: ComponentKeys.component.shape
      case .fleet: FleetKeys.fleet.shape
      case .server: ServerKeys.server.shape
      }
    guard case .object(let object) = shape else { return nil }
    return object
  }

  /// The only kind that knows a key; `nil` if none or several do.
  static func owner(ofKey key: String) -> ManifestKind? {
    let owners = ManifestKind.allCases.filter { kind in
      shape(of: kind)?.keys.contains { $0.name == key } ?? false
    }
    return owners.count == 1 ? owners.first : nil
  }
}
