/// The line machine behind ``ControlParagraph``: it works on ranges of the input and makes strings only once.
struct ControlParser {
  private static let maximumFields = 1024
  private static let maximumName = 256
  private static let maximumValue = 16 << 20

  private let bytes: UnsafeBufferPointer<UInt8>
  private let file: String
  private var position = 0
  private var line = 0
  /// The names of the paragraph under way, as ranges: the check for duplicates allocates nothing.
  private var names: [Range<Int>] = []

  init(bytes: UnsafeBufferPointer<UInt8>, file: String) {
    self.bytes = bytes
    self.file = file
  }

  /// The next paragraph, or `nil` at the end of the input.
  mutating func next() throws(DebianPackageError) -> ControlParagraph? {
    var fields: [ControlParagraph.Field] = []
    var firstLine = 0
    names.removeAll(keepingCapacity: true)
    while let current = nextLine() {
      guard let first = current.first else {
        if fields.isEmpty { continue }
        break
      }
      if bytes[first] == ASCII.numberSign { continue }
      if ASCII.isBlank(bytes[first]) {
        // Between paragraphs blanks do no harm; inside one a reader could see an end that another does not see.
        if fields.isEmpty, trimmed(current).isEmpty { continue }
        throw error(.malformedControl, "a continuation line without a field before it")
      }
      if fields.isEmpty { firstLine = line }
      fields.append(try field(current))
      if fields.count > Self.maximumFields {
        throw error(.limit, "more than \(Self.maximumFields) fields in one paragraph")
      }
    }
    return fields.isEmpty ? nil : ControlParagraph(fields: fields, line: firstLine)
  }

  private mutating func field(_ first: Range<Int>) throws(DebianPackageError) -> ControlParagraph.Field {
    guard let colon = first.first(where: { bytes[$0] == ASCII.colon }) else {
      throw error(.malformedControl, "a line is neither a field (“Name: value”) nor a continuation")
    }
    let name = first.lowerBound..<colon
    guard isName(name) else {
      throw error(.malformedControl, "a field name is not made of printable ASCII characters")
    }
    if name.count > Self.maximumName {
      throw error(.limit, "a field name is longer than \(Self.maximumName) bytes")
    }
    if names.contains(where: { equalIgnoringCase($0, name) }) {
      throw error(.malformedControl, "the field “\(try text(name))” is given twice in one paragraph")
    }
    names.append(name)
    let label = try text(name)
    let head = trimmed(colon + 1..<first.upperBound)
    guard isContinuation(at: position) || isComment(at: position) else {
      return ControlParagraph.Field(name: label, value: try text(head))
    }
    return ControlParagraph.Field(name: label, value: try folded(head, name: label))
  }

  /// A value of several lines.
  private mutating func folded(_ head: Range<Int>, name: String) throws(DebianPackageError) -> String {
    var value = try text(head)
    while isContinuation(at: position) || isComment(at: position), let next = nextLine() {
      if bytes[next.lowerBound] == ASCII.numberSign { continue }
      let rest = withoutTrailingBlanks(next.lowerBound + 1..<next.upperBound)
      guard rest.contains(where: { !ASCII.isBlank(bytes[$0]) }) else {
        throw error(.malformedControl, "a line of blanks inside the field “\(name)”; an empty line is “ .”")
      }
      if value.utf8.count + rest.count >= Self.maximumValue {
        throw error(.limit, "the field “\(name)” is longer than \(Self.maximumValue) bytes")
      }
      value += "\n"
      value += try text(rest)
    }
    return value
  }

  /// The next line without its end, and moves past it.
  private mutating func nextLine() -> Range<Int>? {
    guard position < bytes.count else { return nil }
    let start = position
    var end = start
    while end < bytes.count, bytes[end] != ASCII.newline { end += 1 }
    position = end + 1
    line += 1
    if end > start, bytes[end - 1] == ASCII.carriageReturn { end -= 1 }
    return start..<end
  }

  private func isContinuation(at offset: Int) -> Bool {
    offset < bytes.count && ASCII.isBlank(bytes[offset])
  }

  private func isComment(at offset: Int) -> Bool {
    offset < bytes.count && bytes[offset] == ASCII.numberSign
  }

  private func isName(_ range: Range<Int>) -> Bool {
    guard let first = range.first, bytes[first] != ASCII.minus else { return false }
    return range.allSatisfy { bytes[$0] > ASCII.space && bytes[$0] <= ASCII.tilde }
  }

  private func equalIgnoringCase(_ left: Range<Int>, _ right: Range<Int>) -> Bool {
    guard left.count == right.count else { return false }
    for index in 0..<left.count
    where ASCII.lowercased(bytes[left.lowerBound + index])
      != ASCII.lowercased(bytes[right.lowerBound + index])
    {
      return false
    }
    return true
  }

  private func trimmed(_ range: Range<Int>) -> Range<Int> {
    let end = withoutTrailingBlanks(range).upperBound
    var start = range.lowerBound
    while start < end, ASCII.isBlank(bytes[start]) { start += 1 }
    return start..<end
  }

  private func withoutTrailingBlanks(_ range: Range<Int>) -> Range<Int> {
    var end = range.upperBound
    while end > range.lowerBound, ASCII.isBlank(bytes[end - 1]) { end -= 1 }
    return range.lowerBound..<end
  }

  private func text(_ range: Range<Int>) throws(DebianPackageError) -> String {
    if range.count > Self.maximumValue {
      throw error(.limit, "a line is longer than \(Self.maximumValue) bytes")
    }
    let slice = UnsafeBufferPointer(rebasing: bytes[range])
    guard !slice.contains(0), let text = String(validating: slice, as: UTF8.self) else {
      throw error(.malformedControl, "a line is not UTF-8 text")
    }
    return text
  }

  private func error(_ code: DebianPackageError.Code, _ what: String) -> DebianPackageError {
    DebianPackageError(code, "\(file):\(line): \(what)")
  }
}
