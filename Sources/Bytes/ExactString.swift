/// A string that equals another one only if its bytes do, as names do for the kernel.
///
/// `String` compares characters: `é` in one code point equals `é` in two, and the Kelvin sign equals `K`. As a key for
/// paths it would make one of two files.
package struct ExactString: Sendable {
  package let text: String

  package init(_ text: String) {
    self.text = text
  }
}

extension ExactString: Hashable {
  package static func == (left: ExactString, right: ExactString) -> Bool {
    // Equal bytes are equal characters, and comparing those of ASCII strings is fast.
    left.text == right.text && left.text.utf8.elementsEqual(right.text.utf8)
  }

  package func hash(into hasher: inout Hasher) {
    let text = text.utf8
    if text.withContiguousStorageIfAvailable({ hasher.combine(bytes: UnsafeRawBufferPointer($0)) }) == nil {
      for byte in text { hasher.combine(byte) }
    }
  }
}

extension ExactString: Comparable {
  /// In byte order.
  package static func < (left: ExactString, right: ExactString) -> Bool {
    left.text.utf8.lexicographicallyPrecedes(right.text.utf8)
  }
}

extension String {
  /// Whether the bytes are another string's.
  package func isExactly(_ other: String) -> Bool {
    ExactString(self) == ExactString(other)
  }
}
