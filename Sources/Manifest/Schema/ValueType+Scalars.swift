extension ValueType where Value == String {
  /// A string of a form.
  static func text(_ format: TextFormat) -> ValueType {
    ValueType(.text(format)) { node, context in
      guard case .scalar(let scalar) = node.content, scalar.kind != .null else {
        context.reportType(format.label, node)
        return nil
      }
      guard scalar.kind == .string else {
        context.report(
          .wrongType, at: node.location, "\(context.key) takes \(format.label), not \(scalar.summary)",
          suggestion: "write it in quotes: \"\(scalar.text)\"")
        return nil
      }
      return check(scalar, format, node.location, &context)
    }
  }

  /// Any scalar, kept as it was written, of a form.
  static func scalar(_ format: TextFormat) -> ValueType {
    ValueType(.scalar(format)) { node, context in
      guard case .scalar(let scalar) = node.content, scalar.kind != .null else {
        context.reportType(format.label, node)
        return nil
      }
      return check(scalar, format, node.location, &context)
    }
  }

  /// A string without white space at its ends.
  static let reason = text(.reason).map { text, _, _ in
    var characters = text.unicodeScalars[...]
    while characters.first?.properties.isWhitespace == true { characters.removeFirst() }
    while characters.last?.properties.isWhitespace == true { characters.removeLast() }
    return String(characters)
  }

  private static func check(
    _ scalar: YAMLScalar, _ format: TextFormat, _ location: SourceLocation, _ context: inout DecodingContext
  ) -> String? {
    guard format.accepts(scalar.text) else {
      context.report(
        .badValue, at: location, "\(context.key) takes \(format.label), not \(scalar.summary)",
        suggestion: "use \(format.rule)")
      return nil
    }
    return scalar.text
  }
}

extension ValueType where Value == Bool {
  /// `true` or `false`, and none of YAML 1.1's other words for them.
  static let boolean = ValueType(.boolean) { node, context in
    guard case .scalar(let scalar) = node.content, scalar.kind == .boolean else {
      switch node.text?.lowercased() {
      case "yes", "on", "y", "true":
        context.report(
          .wrongType, at: node.location, "\(context.key) takes true or false, not \(node.summary)",
          suggestion: "write true without quotes")
      case "no", "off", "n", "false":
        context.report(
          .wrongType, at: node.location, "\(context.key) takes true or false, not \(node.summary)",
          suggestion: "write false without quotes")
      default: context.reportType("true or false", node)
      }
      return nil
    }
    return scalar.text.lowercased() == "true"
  }
}

extension ValueType where Value == UInt32 {
  /// A user or group id. The largest 16-bit and 32-bit numbers mean "no id" to the kernel.
  static let accountID = ValueType(.integer(0...0xFFFF_FFFE)) { node, context in
    guard case .scalar(let scalar) = node.content, scalar.kind == .integer else {
      context.reportType("a number", node)
      return nil
    }
    guard let number = scalar.integerValue.flatMap(UInt32.init(exactly:)), ![0xFFFF, .max].contains(number)
    else {
      context.report(
        .badValue, at: node.location, "\(context.key) takes a number, not \(scalar.summary)",
        suggestion: "use one from 0 to 4294967294 that is not 65535")
      return nil
    }
    return number
  }
}

extension ValueType where Value == UInt16 {
  /// Permission bits: a string, because YAML 1.2 reads 0644 as a decimal number.
  static let mode = ValueType<String>.text(.mode).map { text, _, _ in UInt16(text, radix: 8) }
}

extension ValueType where Value == UInt64 {
  /// A size in bytes: an integer, or a string with a unit.
  static let byteCount = ValueType(.either(.integer(1...Int.max), .text(.byteCount))) { node, context in
    guard case .scalar(let scalar) = node.content, scalar.kind == .integer || scalar.kind == .string else {
      context.reportType(TextFormat.byteCount.label, node)
      return nil
    }
    let number = scalar.integerValue.flatMap(UInt64.init(exactly:))
    guard let bytes = scalar.kind == .integer ? number : ByteCount.parse(scalar.text), bytes > 0 else {
      context.report(
        .badValue, at: node.location, "\(context.key) takes a size, not \(scalar.summary)",
        suggestion: "use \(TextFormat.byteCount.rule), such as 160MiB")
      return nil
    }
    return bytes
  }
}

extension ValueType where Value: RawRepresentable, Value.RawValue == String {
  /// One of a few words.
  static func enumeration(_ values: [Value]) -> ValueType {
    let names = values.map(\.rawValue)
    return ValueType(.enumeration(names)) { node, context in
      let expected = names.joined(separator: ", ")
      guard case .scalar(let scalar) = node.content, scalar.kind == .string else {
        context.reportType(names.count == 1 ? expected : "one of \(expected)", node)
        return nil
      }
      guard let value = values.first(where: { $0.rawValue == scalar.text }) else {
        let nearest = Suggestions.nearest(to: scalar.text, among: names)
        context.report(
          .badValue, at: node.location, "\(context.key) cannot be \(scalar.summary)",
          suggestion: nearest.map { "did you mean \($0)?" } ?? "use \(expected)")
        return nil
      }
      return value
    }
  }
}

extension ValueType where Value == Int {
  /// An integer within a range.
  static func integer(_ range: ClosedRange<Int>) -> ValueType {
    ValueType(.integer(range)) { node, context in
      guard case .scalar(let scalar) = node.content, scalar.kind == .integer else {
        context.reportType("a number", node)
        return nil
      }
      guard let number = scalar.integerValue, range.contains(number) else {
        context.report(
          .badValue, at: node.location, "\(context.key) takes a number, not \(scalar.summary)",
          suggestion: "use one from \(range.lowerBound) to \(range.upperBound)")
        return nil
      }
      return number
    }
  }

  /// A span of time, in seconds.
  static let duration = ValueType<String>.text(.duration).map { text, _, _ in TimeSpan.parse(text) }
}
