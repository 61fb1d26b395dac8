/// The reference of manifests for people: `docs/manifest.md`.
package enum ManifestReference {
  /// The reference as Markdown, with a line feed at the end; always the same bytes.
  package static func markdown() -> String {
    let sections = Schema.definitions().map(section)
    return ([introduction] + sections).joined(separator: "\n") + "\n"
  }

  private static func section(_ object: ObjectShape) -> String {
    let isKind = ManifestKind(rawValue: object.name) != nil
    var lines = [isKind ? "## kind: \(object.name)" : "### \(object.name)", "", object.summary]
    if !object.exactlyOne.isEmpty {
      lines += ["", "It takes \(code(object.exactlyOne, "or")), and not both."]
    }
    if !object.atLeastOne.isEmpty {
      lines += ["", "It takes at least one of \(code(object.atLeastOne, "and"))."]
    }
    lines += ["", "| key | type | meaning | example |", "|---|---|---|---|"]
    lines += object.keys.map(row)
    return lines.joined(separator: "\n") + "\n"
  }

  private static func row(_ key: KeyShape) -> String {
    let name = key.isRequired ? "**`\(key.name)`**" : "`\(key.name)`"
    let fallback =
      key.fallback.map { $0.isEmpty ? " Empty if it is missing." : " Default: `\($0)`." } ?? ""
    let cells = [name, type(key.shape), key.summary + fallback, "`\(key.example)`"]
    return "| \(cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ")) |"
  }

  /// A form in a few words, with links to the mappings that it is made of.
  private static func type(_ shape: Shape) -> String {
    switch shape {
    case .text(let format): return "\(format.label)" + (format.pattern.isEmpty ? "" : ": \(format.rule)")
    case .scalar(let format): return format.label
    case .enumeration(let values):
      return values.count > 8 ? "one of \(values.count) names" : code(values, "or")
    case .integer(let range):
      return range.upperBound == .max
        ? "an integer from \(range.lowerBound)" : "an integer from \(range.lowerBound) to \(range.upperBound)"
    case .boolean: return "`true` or `false`"
    case .list(let item, let isEmptyAllowed):
      return "list of: \(type(item))" + (isEmptyAllowed ? "" : "; at least one")
    case .map(let key, let value): return "mapping from \(key.label) to \(type(value))"
    case .object(let object): return "[\(object.name)](#\(object.name.lowercased()))"
    case .either(let first, let second): return "\(type(first)), or \(type(second))"
    }
  }

  private static func code(_ names: [String], _ conjunction: String) -> String {
    let quoted = names.map { "`\($0)`" }
    guard quoted.count > 1, let last = quoted.last else { return quoted.joined() }
    return "\(quoted.dropLast().joined(separator: ", ")) \(conjunction) \(last)"
  }
}
