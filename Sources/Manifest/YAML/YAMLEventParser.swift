internal import CLibyaml

/// An event of libyaml, copied out of its memory.
struct YAMLEvent {
  enum Kind {
    case streamStart, streamEnd, documentStart, documentEnd
    case alias
    case scalar(text: [UInt8], isPlain: Bool)
    case sequenceStart, sequenceEnd, mappingStart, mappingEnd
    case nothing
  }

  let kind: Kind
  let hasAnchor: Bool
  /// The tag with its handle expanded; `nil` if none was written.
  let tag: String?
  let location: SourceLocation
}

/// Owner of a libyaml parser and of the bytes that it reads.
struct YAMLEventParser: ~Copyable {
  // The parser keeps pointers into itself and into its input: neither may move.
  private let parser: UnsafeMutablePointer<yaml_parser_t>
  private let input: UnsafeMutableBufferPointer<UInt8>
  private let file: String

  /// `nil` if libyaml has no memory left. `bytes` have to be UTF-8 without a byte order mark.
  init?(_ bytes: [UInt8], file: String) {
    let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
    guard yaml_parser_initialize(parser) == 1 else {
      parser.deallocate()
      return nil
    }
    self.parser = parser
    self.file = file
    input = .allocate(capacity: max(1, bytes.count))
    _ = input.initialize(from: bytes)
    yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
    // Without this, libyaml would guess UTF-16 from the first bytes.
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
  }

  deinit {
    yaml_parser_delete(parser)
    parser.deallocate()
    input.deallocate()
  }

  /// The next event; after the end of the stream, `nothing`.
  mutating func next() throws(ManifestError) -> YAMLEvent {
    var event = yaml_event_t()
    guard yaml_parser_parse(parser, &event) == 1 else { throw ManifestError(problem) }
    defer { yaml_event_delete(&event) }
    var hasAnchor = false
    var tag: UnsafeMutablePointer<yaml_char_t>?
    let kind: YAMLEvent.Kind
    switch event.type {
    case YAML_STREAM_START_EVENT: kind = .streamStart
    case YAML_STREAM_END_EVENT: kind = .streamEnd
    case YAML_DOCUMENT_START_EVENT: kind = .documentStart
    case YAML_DOCUMENT_END_EVENT: kind = .documentEnd
    case YAML_ALIAS_EVENT: kind = .alias
    case YAML_SCALAR_EVENT:
      let scalar = event.data.scalar
      (hasAnchor, tag) = (scalar.anchor != nil, scalar.tag)
      kind = .scalar(
        text: Array(UnsafeBufferPointer(start: scalar.value, count: scalar.length)),
        isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
    case YAML_SEQUENCE_START_EVENT:
      (hasAnchor, tag) = (event.data.sequence_start.anchor != nil, event.data.sequence_start.tag)
      kind = .sequenceStart
    case YAML_SEQUENCE_END_EVENT: kind = .sequenceEnd
    case YAML_MAPPING_START_EVENT:
      (hasAnchor, tag) = (event.data.mapping_start.anchor != nil, event.data.mapping_start.tag)
      kind = .mappingStart
    case YAML_MAPPING_END_EVENT: kind = .mappingEnd
    default: kind = .nothing
    }
    return YAMLEvent(
      kind: kind, hasAnchor: hasAnchor, tag: tag.map { String(cString: $0) },
      location: location(of: event.start_mark))
  }

  private func location(of mark: yaml_mark_t) -> SourceLocation {
    SourceLocation(file: file, line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1)
  }

  /// What stopped the parser.
  private var problem: ManifestError.Problem {
    let words = parser.pointee.problem.map { String(cString: $0) } ?? "it is not YAML"
    switch parser.pointee.error {
    case YAML_READER_ERROR:
      let place = TextPosition(of: parser.pointee.problem_offset, in: UnsafeBufferPointer(input))
      return .init(
        .encoding, at: place.location(in: file), "this is not text: \(words)",
        suggestion: "write the character as an escape in double quotes")
    case YAML_MEMORY_ERROR:
      return .init(.syntax, at: location(of: parser.pointee.mark), "there is not enough memory to read this")
    default:
      let mark = parser.pointee.problem_mark
      let context = parser.pointee.context.map { String(cString: $0) }
      let isTab = mark.index < input.count && byte(at: mark) == UInt8(ascii: "\t")
      return .init(
        .syntax, at: location(of: mark),
        "this is not YAML: \(words)\(context.map { " \($0)" } ?? "")",
        suggestion: isTab ? "indent with spaces instead of the tab" : nil)
    }
  }

  /// The byte at a mark, whose index counts code points.
  private func byte(at mark: yaml_mark_t) -> UInt8? {
    var index = 0
    for byte in input where byte & 0b1100_0000 != 0b1000_0000 {
      if index == mark.index { return byte }
      index += 1
    }
    return nil
  }
}
