/// Everything that is wrong with a set of manifests, each with its place, sorted by place.
package struct ManifestError: Error, Sendable {
  /// What is wrong: stable names for tests and for `--json`.
  package enum Code: String, Sendable, Hashable, CaseIterable {
    /// Not YAML.
    case syntax
    /// Not UTF-8, or a control character.
    case encoding
    /// More bytes than a manifest may have.
    case tooLarge
    /// More nodes than a manifest may have.
    case tooManyNodes
    /// Deeper nesting than a manifest may have.
    case tooDeep
    /// An anchor or an alias.
    case anchor
    /// A tag beyond the core schema's strings, integers and booleans.
    case tag
    /// A key that is there twice.
    case duplicateKey
    /// The merge key `<<`.
    case mergeKey
    /// More than one document, or none.
    case documentCount
    /// A key that the schema does not know.
    case unknownKey
    /// A key that has to be there.
    case missingKey
    /// A sequence where a string belongs, and the like.
    case wrongType
    /// The right type, but not a value that makes sense.
    case badValue
    /// A file or a component that is not there.
    case notFound
    /// A file that cannot be read, or a path that leaves the repository.
    case unreadable
    /// Components that require each other.
    case cycle
    /// Two declarations that cannot both hold.
    case conflict
  }

  /// One thing that is wrong.
  package struct Problem: Sendable, Hashable {
    package let code: Code
    package let location: SourceLocation
    /// What is wrong, as one clause without a full stop.
    package let message: String
    /// What to do about it, as one clause without a full stop.
    package let suggestion: String?

    package init(_ code: Code, at location: SourceLocation, _ message: String, suggestion: String? = nil) {
      self.code = code
      self.location = location
      self.message = message
      self.suggestion = suggestion
    }
  }

  /// The problems, sorted by file, line and column; never empty.
  package let problems: [Problem]

  package init(_ problems: [Problem]) {
    // A problem that two places found is one problem.
    var seen: Set<Problem> = []
    self.problems = problems.filter { seen.insert($0).inserted }.sorted()
  }

  package init(_ problem: Problem) {
    problems = [problem]
  }

  /// The codes of the problems, in their order.
  package var codes: [Code] { problems.map(\.code) }
}

extension ManifestError.Problem: Comparable {
  package static func < (left: Self, right: Self) -> Bool {
    (left.location, left.code.rawValue, left.message) < (right.location, right.code.rawValue, right.message)
  }
}

extension ManifestError.Problem: CustomStringConvertible {
  /// `file:line:column: message; suggestion`.
  package var description: String {
    "\(location): \(message)\(suggestion.map { "; \($0)" } ?? "")"
  }
}

extension ManifestError: CustomStringConvertible {
  /// One line for each problem.
  package var description: String { problems.map(\.description).joined(separator: "\n") }
}
