/// What a manifest describes: the value of its `kind` key.
package enum ManifestKind: String, Sendable, Hashable, CaseIterable {
  /// A bootable image: what `netimg build` takes.
  case image = "Image"
  /// A reusable part under `images/`.
  case component = "Component"
  /// Which device boots what: what `netimg serve` decides by.
  case fleet = "Fleet"
  /// The settings of `netimg serve`.
  case server = "Server"
}

/// The processor architecture of an image, in Debian's words.
package enum Architecture: String, Sendable, Hashable, CaseIterable {
  /// x86-64.
  case amd64
  /// 64-bit Arm.
  case arm64
}
