/// A line and a column, from 1, for an offset in UTF-8 text; columns count code points.
struct TextPosition: Equatable {
  private(set) var line = 1
  private(set) var column = 1

  /// Counts up to `offset` bytes. LF, CR and CR LF end a line, as YAML has it.
  init(of offset: Int, in bytes: some Collection<UInt8>) {
    var previous: UInt8 = 0
    for byte in bytes.prefix(offset) {
      switch byte {
      case UInt8(ascii: "\n") where previous == UInt8(ascii: "\r"): break
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"): (line, column) = (line + 1, 1)
      // A continuation byte belongs to the character before it.
      case 0b1000_0000...0b1011_1111: break
      default: column += 1
      }
      previous = byte
    }
  }

  func location(in file: String) -> SourceLocation {
    SourceLocation(file: file, line: line, column: column)
  }

  /// The offset of the first byte that is not part of valid UTF-8; `nil` if there is none.
  static func firstInvalidByte(in bytes: [UInt8]) -> Int? {
    var parser = Unicode.UTF8.ForwardParser()
    var iterator = bytes.makeIterator()
    var offset = 0
    while true {
      switch parser.parseScalar(from: &iterator) {
      case .valid(let scalar): offset += scalar.count
      case .error: return offset
      case .emptyInput: return nil
      }
    }
  }
}
