/// Writes JSON (RFC 8259) in one canonical form, so that equal values are equal bytes and a change is a small
/// diff: two blanks of indentation, one value a line, keys in the order they are given.
struct JSONWriter {
  /// A value to write.
  indirect enum Value {
    case string(String)
    case number(Int)
    case array([Value])
    case object([(key: String, value: Value)])

    static func strings(_ values: [String]) -> Value { .array(values.map(Value.string)) }
  }

  /// The text, with a newline at its end.
  static func text(_ value: Value) -> String {
    var writer = JSONWriter()
    writer.write(value, indentation: "")
    return writer.text + "\n"
  }

  private var text = ""

  private mutating func write(_ value: Value, indentation: String) {
    switch value {
    case .string(let string): write(string)
    case .number(let number): text += String(number)
    case .array(let values):
      write(values, "[", "]", indentation) { $0.write($1, indentation: indentation + "  ") }
    case .object(let members):
      write(members, "{", "}", indentation) {
        $0.write($1.key)
        $0.text += ": "
        $0.write($1.value, indentation: indentation + "  ")
      }
    }
  }

  private mutating func write<Element>(
    _ elements: [Element], _ opening: String, _ closing: String, _ indentation: String,
    _ body: (inout JSONWriter, Element) -> Void
  ) {
    text += opening
    for (index, element) in elements.enumerated() {
      text += index == 0 ? "\n" : ",\n"
      text += indentation + "  "
      body(&self, element)
    }
    if !elements.isEmpty { text += "\n" + indentation }
    text += closing
  }

  private mutating func write(_ string: String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\t": text += "\\t"
      case _ where scalar.value < 0x20 || scalar.value == 0x7f:
        let digits = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
