internal import Bytes
internal import Signing

/// How a large file is sent without what the server has of it: a line of JSON that says of which parts it consists, then
/// the bytes of those parts that are sent. A ``Recipe`` for one reader.
package struct ComposedObject: Sendable, Equatable {
  package static let mediaType = "application/vnd.netimg.composed"
  static let format = "netimg-composed-1"

  struct Part: Sendable, Equatable {
    let part: Recipe.Part
    /// Whether its bytes follow.
    let isSent: Bool
  }

  let parts: [Part]

  init(_ recipe: Recipe, sending missing: Set<String>) {
    parts = recipe.parts.map { part in
      if case .object(let digest, _) = part { return Part(part: part, isSent: missing.contains(digest)) }
      return Part(part: part, isSent: false)
    }
  }

  /// Reads the line; `nil` for anything but parts that make up exactly `size` bytes.
  package init?(_ line: [UInt8], size: Int) {
    guard let value = try? JSONParser.parse(line, maximumSize: Recipe.maximumSize, maximumDepth: 4),
      value["format"]?.text == Self.format, let elements = value["parts"]?.elements,
      elements.count <= Recipe.maximumParts
    else { return nil }
    var parts: [Part] = []
    var total = 0
    for element in elements {
      guard let part = Recipe.Part(element, room: size - total) else { return nil }
      var isSent = false
      switch element["sent"] {
      case nil: break
      case .bool(let flag): isSent = flag
      default: return nil
      }
      if case .literal = part, isSent { return nil }
      parts.append(Part(part: part, isSent: isSent))
      total += part.size
    }
    guard total == size else { return nil }
    self.parts = parts
  }

  /// The line, with its end.
  var line: [UInt8] {
    let elements = parts.map { part in
      JSONValue.object(part.part.members + (part.isSent ? [JSONMember("sent", .bool(true))] : []))
    }
    let value = JSONValue.object([
      JSONMember("format", .string(Self.format)), JSONMember("parts", .array(elements)),
    ])
    return Array(value.encoded.utf8) + [0x0A]
  }

  /// How many bytes follow the line.
  package var sentSize: Int { parts.reduce(0) { $0 + ($1.isSent ? $1.part.size : 0) } }
}
