/// Makes nodes of events, and refuses what manifests do without.
///
/// libyaml has a composer too, but it resolves aliases, and so turns a short file into a huge one.
struct YAMLComposer: ~Copyable {
  private var events: YAMLEventParser
  private let file: String
  private var nodeCount = 0
  /// What is wrong, but leaves the rest readable.
  private var problems: [ManifestError.Problem] = []

  /// Enough to mend a file by; a hostile one may have a problem for every other byte.
  private static let maximumProblems = 100

  init(events: consuming YAMLEventParser, file: String) {
    self.events = events
    self.file = file
  }

  /// The root node of the only document.
  mutating func document() throws(ManifestError) -> YAMLNode {
    _ = try events.next()  // the stream's start
    let start = try events.next()
    guard case .documentStart = start.kind else {
      throw ManifestError(
        .init(
          .documentCount, at: SourceLocation(file: file), "the file is empty",
          suggestion: "begin it with apiVersion: netimg/v1"))
    }
    let root = try node(from: try events.next(), depth: 0)
    _ = try events.next()  // the document's end
    let end = try events.next()
    if case .documentStart = end.kind {
      try report(
        .documentCount, end.location, "a second document begins here", "put it into a file of its own")
    }
    guard problems.isEmpty else { throw ManifestError(problems) }
    return root
  }

  private mutating func node(from event: YAMLEvent, depth: Int) throws(ManifestError) -> YAMLNode {
    nodeCount += 1
    guard nodeCount <= YAMLDocument.maximumNodes else {
      throw ManifestError(
        .init(
          .tooManyNodes, at: event.location,
          "the file has more than the \(YAMLDocument.maximumNodes) nodes a manifest may have",
          suggestion: "split it into components"))
    }
    if event.hasAnchor {
      try report(.anchor, event.location, "anchors are not allowed", "write the value out where it is used")
    }
    switch event.kind {
    case .scalar(let text, let isPlain):
      return YAMLNode(.scalar(try scalar(text, isPlain: isPlain, event)), at: event.location)
    case .sequenceStart:
      try refuseTag(event)
      return YAMLNode(.sequence(try sequence(at: event.location, depth: depth + 1)), at: event.location)
    case .mappingStart:
      try refuseTag(event)
      return YAMLNode(.mapping(try mapping(at: event.location, depth: depth + 1)), at: event.location)
    case .alias:
      try report(.anchor, event.location, "aliases are not allowed", "write the value out")
      return YAMLNode(.scalar(YAMLScalar(text: "", kind: .null)), at: event.location)
    default:
      throw ManifestError(.init(.syntax, at: event.location, "a value is missing here"))
    }
  }

  private mutating func sequence(at location: SourceLocation, depth: Int) throws(ManifestError) -> [YAMLNode]
  {
    try check(depth, at: location)
    var items: [YAMLNode] = []
    while true {
      let event = try events.next()
      if case .sequenceEnd = event.kind { return items }
      items.append(try node(from: event, depth: depth))
    }
  }

  private mutating func mapping(at location: SourceLocation, depth: Int) throws(ManifestError) -> [YAMLEntry]
  {
    try check(depth, at: location)
    var entries: [YAMLEntry] = []
    // By bytes: Swift's strings are equal too when only their normalization differs.
    var seen: [[UInt8]: SourceLocation] = [:]
    while true {
      let event = try events.next()
      if case .mappingEnd = event.kind { return entries }
      let key = try node(from: event, depth: depth)
      let value = try node(from: try events.next(), depth: depth)
      guard let text = key.text else {
        try report(.wrongType, key.location, "a key must be a string, not \(key.summary)", nil)
        continue
      }
      if text == "<<", case .scalar(_, isPlain: true) = event.kind {
        try report(.mergeKey, key.location, "merge keys are not allowed", "write the entries out")
        continue
      }
      if let first = seen.updateValue(key.location, forKey: Array(text.utf8)) {
        try report(
          .duplicateKey, key.location, "the key \(text) is already there in line \(first.line)",
          "remove one of the two")
        continue
      }
      entries.append(YAMLEntry(key: text, keyLocation: key.location, value: value))
    }
  }

  private mutating func scalar(
    _ bytes: [UInt8], isPlain: Bool, _ event: YAMLEvent
  ) throws(ManifestError) -> YAMLScalar {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ManifestError(.init(.encoding, at: event.location, "the string is not valid UTF-8"))
    }
    let plain = YAMLScalar(plain: text)
    switch event.tag {
    case nil: return isPlain ? plain : YAMLScalar(text: text, kind: .string)
    case "tag:yaml.org,2002:str": return YAMLScalar(text: text, kind: .string)
    case "tag:yaml.org,2002:int" where plain.kind == .integer: return plain
    case "tag:yaml.org,2002:bool" where plain.kind == .boolean: return plain
    case "tag:yaml.org,2002:int", "tag:yaml.org,2002:bool":
      try report(.badValue, event.location, "\"\(text)\" is not what its tag says", "remove the tag")
    default: try refuseTag(event)
    }
    return plain
  }

  private mutating func refuseTag(_ event: YAMLEvent) throws(ManifestError) {
    guard let tag = event.tag else { return }
    try report(
      .tag, event.location, "the tag \(tag) is not allowed", "remove it, or use !!str, !!int or !!bool")
  }

  private func check(_ depth: Int, at location: SourceLocation) throws(ManifestError) {
    guard depth <= YAMLDocument.maximumDepth else {
      throw ManifestError(
        .init(.tooDeep, at: location, "this is nested more than \(YAMLDocument.maximumDepth) levels deep"))
    }
  }

  private mutating func report(
    _ code: ManifestError.Code, _ location: SourceLocation, _ message: String, _ suggestion: String?
  ) throws(ManifestError) {
    problems.append(.init(code, at: location, message, suggestion: suggestion))
    guard problems.count < Self.maximumProblems else { throw ManifestError(problems) }
  }
}
