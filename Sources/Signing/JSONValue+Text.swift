extension JSONValue {
  /// Canonical JSON as TUF and securesystemslib sign it (OLPC): members sorted by the code points of their
  /// names, no white space, and only `"` and `\` escaped. The form has no fractions: a `.number` is written
  /// as it was read.
  package var canonical: String {
    var output = ""
    write(to: &output, canonically: true)
    return output
  }

  /// JSON without white space (RFC 8259): members in their order, control characters escaped.
  package var encoded: String {
    var output = ""
    write(to: &output, canonically: false)
    return output
  }

  private func write(to output: inout String, canonically: Bool) {
    switch self {
    case .null: output += "null"
    case .bool(let value): output += value ? "true" : "false"
    case .integer(let value): output += String(value)
    case .number(let digits): output += digits
    case .string(let text): Self.write(text, to: &output, canonically)
    case .array(let elements):
      output += "["
      for (index, element) in elements.enumerated() {
        if index > 0 { output += "," }
        element.write(to: &output, canonically: canonically)
      }
      output += "]"
    case .object(var members):
      if canonically { members.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) } }
      output += "{"
      for (index, member) in members.enumerated() {
        if index > 0 { output += "," }
        Self.write(member.name, to: &output, canonically)
        output += ":"
        member.value.write(to: &output, canonically: canonically)
      }
      output += "}"
    }
  }

  private static func write(_ text: String, to output: inout String, _ canonically: Bool) {
    output += "\""
    // Nearly every string; the scalars one by one would cost most of the time of a large document.
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
      output += text
      output += "\""
      return
    }
    for scalar in text.unicodeScalars {
      if scalar == "\"" || scalar == "\\" {
        output += "\\"
      } else if scalar.value < 0x20, !canonically {
        let digits = String(scalar.value, radix: 16)
        output += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
        continue
      }
      output.unicodeScalars.append(scalar)
    }
    output += "\""
  }
}
