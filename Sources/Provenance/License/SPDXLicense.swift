/// An SPDX licence expression (SPDX 2.3, annex D) as a tree, so that expressions combine without growing twice.
package indirect enum SPDXLicense: Hashable, Sendable {
  /// An identifier, with its exception if it has one, or a `LicenseRef-`.
  case simple(String)
  case all([SPDXLicense])
  case any([SPDXLicense])

  /// Everything at once: nested conjunctions are one, repetitions go, and the order is that of the text.
  package static func conjunction(_ terms: [SPDXLicense]) -> SPDXLicense? {
    combine(terms.flatMap { if case .all(let inner) = $0 { inner } else { [$0] } }, SPDXLicense.all)
  }

  /// One of several, likewise.
  package static func disjunction(_ terms: [SPDXLicense]) -> SPDXLicense? {
    combine(terms.flatMap { if case .any(let inner) = $0 { inner } else { [$0] } }, SPDXLicense.any)
  }

  private static func combine(
    _ terms: [SPDXLicense], _ join: ([SPDXLicense]) -> SPDXLicense
  ) -> SPDXLicense? {
    let different = Set(terms).map { (text: $0.text, term: $0) }
      .sorted { $0.text.utf8.lexicographicallyPrecedes($1.text.utf8) }.map(\.term)
    return different.count > 1 ? join(different) : different.first
  }

  /// The expression; AND binds tighter than OR, as the annex has it.
  package var text: String {
    switch self {
    case .simple(let identifier): return identifier
    case .any(let terms): return terms.map(\.text).joined(separator: " OR ")
    case .all(let terms):
      return terms.map { if case .any = $0 { "(\($0.text))" } else { $0.text } }.joined(separator: " AND ")
    }
  }
}
