/// The names in a Depends field (Debian policy, section 7.1).
package enum DependencyField {
  /// Each clause's alternatives in their order, without versions, architectures and qualifiers.
  package static func clauses(_ field: String) -> [[String]] {
    field.split(separator: ",").map { clause in
      clause.split(separator: "|").compactMap { alternative in
        let name = alternative.drop { $0.isWhitespace }
          .prefix { !$0.isWhitespace && $0 != "(" && $0 != "[" && $0 != ":" && $0 != "<" }
        return name.isEmpty ? nil : String(name)
      }
    }.filter { !$0.isEmpty }
  }

  /// Which of the packages satisfy each clause: the first alternative that is there by its own name, else the first
  /// that something provides.
  ///
  /// - Parameter providers: real packages by the names that they provide.
  package static func resolve(
    _ field: String, packages: Set<String>, providers: [String: [String]]
  ) -> [String] {
    var found: Set<String> = []
    for clause in clauses(field) {
      if let name = clause.first(where: packages.contains) {
        found.insert(name)
      } else if let provider = clause.lazy.compactMap({ providers[$0]?.min() }).first {
        found.insert(provider)
      }
    }
    return found.sorted()
  }
}
