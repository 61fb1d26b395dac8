internal import Bytes

/// A DHCP message that is not valid.
package struct DHCPError: Error, Hashable, Sendable, CustomStringConvertible {
  /// Which kind of defect, for tests.
  package enum Code: String, Sendable {
    /// It ends before a field does.
    case truncated
    /// It is something else than DHCP: BOOTP, or no magic cookie.
    case notDHCP
    /// A field or an option has a value that its specification forbids.
    case invalid
    /// It is longer, or nested deeper, than any that is sent in earnest.
    case tooLarge
  }

  package let code: Code
  /// One sentence: which field, at which offset, and what is wrong.
  package let description: String

  package init(code: Code, _ description: String) {
    self.code = code
    self.description = description
  }

  init(_ error: ByteReadError) {
    self.init(code: .truncated, error.description)
  }
}

/// Runs reads of a `ByteReader`, and says their errors as this target does.
func reading<Value>(_ body: () throws(ByteReadError) -> Value) throws(DHCPError) -> Value {
  do {
    return try body()
  } catch {
    throw DHCPError(error)
  }
}
