/// A line of a configuration file: bytes without the line end, and its number from 1.
struct TextLine {
  let number: Int
  let bytes: ArraySlice<UInt8>
}

/// Cuts configuration files from packages into lines, within limits that no honest file reaches.
struct TextLines {
  static let largestFile = 16 << 20
  static let longestLine = 1 << 16

  let file: String
  let lines: [TextLine]

  /// Splits at line feeds; a carriage return before one is left in place for the format to judge. NUL bytes, invalid
  /// UTF-8 and lines beyond 64 KiB are refused.
  init(_ bytes: [UInt8], file: String) throws(NativeActionError) {
    guard bytes.count <= Self.largestFile else {
      throw NativeActionError(
        .limitExceeded, at: file,
        "a configuration file of \(bytes.count) bytes, at most \(Self.largestFile) are read")
    }
    var lines: [TextLine] = []
    var rest = bytes[...]
    var number = 1
    while !rest.isEmpty {
      let end = rest.firstIndex(of: 0x0A) ?? rest.endIndex
      let line = rest[rest.startIndex..<end]
      guard line.count <= Self.longestLine else {
        throw NativeActionError(
          .limitExceeded, at: "\(file):\(number)",
          "a line of \(line.count) bytes, at most \(Self.longestLine) are read")
      }
      guard !line.contains(0) else {
        throw NativeActionError(.malformed, at: "\(file):\(number)", "a NUL byte in a text file; remove it")
      }
      lines.append(TextLine(number: number, bytes: line))
      rest = end < rest.endIndex ? rest[(end + 1)...] : []
      number += 1
    }
    if String(validating: bytes, as: UTF8.self) == nil {
      let line = lines.first { String(validating: $0.bytes, as: UTF8.self) == nil }
      throw NativeActionError(
        .malformed, at: "\(file):\(line?.number ?? 1)", "the text is not valid UTF-8; convert the file")
    }
    self.file = file
    self.lines = lines
  }
}

extension ArraySlice<UInt8> {
  /// Without blanks (space, tab, carriage return, vertical tab, form feed) at both ends.
  var trimmed: ArraySlice<UInt8> {
    var slice = self
    while let first = slice.first, isBlank(first) { slice = slice.dropFirst() }
    while let last = slice.last, isBlank(last) { slice = slice.dropLast() }
    return slice
  }

  /// The runs between blanks.
  var words: [ArraySlice<UInt8>] {
    split(whereSeparator: isBlank)
  }

  var text: String { String(decoding: self, as: UTF8.self) }
}

/// A space in the sense of C's `isspace`, without the line feed, which never is within a line.
func isBlank(_ byte: UInt8) -> Bool {
  byte == 0x20 || byte == 0x09 || (0x0B...0x0D).contains(byte)
}
