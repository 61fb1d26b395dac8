package import Bytes

// The names of the top-level roles stand in the sources.
extension ExactString: ExpressibleByStringLiteral {
  package init(stringLiteral value: String) { self.init(value) }
}

extension ExactString: CustomStringConvertible {
  package var description: String { text }
}
