/// A place in a source file. It reads `file:line:column`, the form that editors and CI logs turn into a link.
package struct SourceLocation: Hashable, Sendable {
  /// The file's path from the repository root, with `/` between its components.
  package let file: String
  /// The line, from 1.
  package let line: Int
  /// The column, from 1, counted in Unicode code points.
  package let column: Int

  package init(file: String, line: Int = 1, column: Int = 1) {
    self.file = file
    self.line = line
    self.column = column
  }
}

extension SourceLocation: Comparable {
  package static func < (left: SourceLocation, right: SourceLocation) -> Bool {
    (left.file, left.line, left.column) < (right.file, right.line, right.column)
  }
}

extension SourceLocation: CustomStringConvertible {
  package var description: String { "\(file):\(line):\(column)" }
}
