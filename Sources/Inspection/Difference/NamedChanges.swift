/// Things with a name and a value, before and after; all lists are sorted by name.
package struct NamedChanges: Encodable, Sendable, Equatable {
  /// One that only one side has.
  package struct Entry: Encodable, Sendable, Equatable {
    package let name: String
    package let value: String
  }

  /// One whose value differs.
  package struct Move: Encodable, Sendable, Equatable {
    package let name: String
    package let from: String
    package let to: String
  }

  package let added: [Entry]
  package let removed: [Entry]
  package let changed: [Move]

  package init(from: [String: String], to: [String: String]) {
    func sorted(_ names: some Sequence<String>) -> [String] {
      names.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }
    added = sorted(to.keys.filter { from[$0] == nil }).map { Entry(name: $0, value: to[$0] ?? "") }
    removed = sorted(from.keys.filter { to[$0] == nil }).map { Entry(name: $0, value: from[$0] ?? "") }
    changed = sorted(from.keys).compactMap { name in
      guard let old = from[name], let new = to[name], old != new else { return nil }
      return Move(name: name, from: old, to: new)
    }
  }

  package var isEmpty: Bool { added.isEmpty && removed.isEmpty && changed.isEmpty }
}
