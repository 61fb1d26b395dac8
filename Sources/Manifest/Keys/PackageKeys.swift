internal import Bytes

/// The keys of `packages` and `drop`.
enum PackageKeys {
  static let include = Key(
    "include", .list(of: request), "Packages to install with what they depend on: name or name=version.",
    example: "[systemd, frr]")
  static let exclude = Key(
    "exclude", .list(of: exclusion), "Packages to leave out although something depends on them.",
    example: #"[{package: lsof, reason: "only for debugging by hand"}]"#)
  static let package = Key(
    "package", .text(.packageName), "The package's name.", example: "lsof", required: true)
  static let exclusionReason = Key(
    "reason", .reason, "Why the image works without it.", example: #""only for debugging by hand""#,
    required: true)

  static let request = ValueType<String>.text(.packageRequest).map { text, _, _ in
    // A version may hold an equals sign no more than a name may: there is at most one.
    let parts = text.split(separator: "=", maxSplits: 1)
    return parts.first.map {
      PackageRequest(name: String($0), version: parts.dropFirst().first.map(String.init))
    }
  }

  static let exclusion = ValueType<PackageExclusion>.object(
    "Exclusion", "A package that is left out.", keys: [package, exclusionReason]
  ) { fields, _ in
    guard let package = fields[package], let reason = fields[exclusionReason] else { return nil }
    return PackageExclusion(package: package, reason: reason)
  }

  /// Packages to include, and packages to exclude.
  typealias Packages = (include: [Located<PackageRequest>], exclude: [Located<PackageExclusion>])

  static let packages = ValueType<Packages>.object(
    "Packages", "The packages that the image is made of.", keys: [include, exclude]
  ) { fields, _ in (fields[include] ?? [], fields[exclude] ?? []) }

  static let glob = ValueType<String>.text(.glob).map { text, _, _ in PathGlob(text) }
  static let paths = Key(
    "paths", .values(of: glob, allowsEmpty: false),
    "What to leave out: * and ? within a component, ** for any.",
    example: "[/usr/share/doc/**]", required: true)
  static let keep = Key(
    "keep", .values(of: glob), "What to keep although it matches.", example: "[/usr/share/doc/*/copyright]")
  static let dropReason = Key(
    "reason", .reason, "Why the image works without it.", example: #""nobody reads it on a device""#,
    required: true)

  static let drop = ValueType<DropRule>.object(
    "Drop", "Files of packages that the image leaves out.", keys: [paths, keep, dropReason]
  ) { fields, _ in
    guard let paths = fields[paths], let reason = fields[dropReason] else { return nil }
    return DropRule(paths: paths, keep: fields[keep] ?? [], reason: reason)
  }
}
