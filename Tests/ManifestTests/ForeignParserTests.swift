import Foundation
import Testing

@testable import Manifest

/// Every node of a document in order, as `line:column kind text`.
private func outline(_ node: YAMLNode) -> [String] {
  let place = "\(node.location.line):\(node.location.column)"
  switch node.content {
  case .scalar(let scalar): return ["\(place) scalar \(scalar.text)"]
  case .sequence(let items): return ["\(place) sequence"] + items.flatMap(outline)
  case .mapping(let entries):
    return ["\(place) mapping"]
      + entries.flatMap { entry in
        ["\(entry.keyLocation.line):\(entry.keyLocation.column) scalar \(entry.key)"] + outline(entry.value)
      }
  }
}

/// The same by PyYAML, which is no binding of libyaml; `nil` for what it refuses.
private func foreignOutlines(of documents: [String]) throws -> [[String]?] {
  let script = """
    import json, sys, yaml
    def outline(node):
        place = '%d:%d ' % (node.start_mark.line + 1, node.start_mark.column + 1)
        if isinstance(node, yaml.ScalarNode): return [place + 'scalar ' + node.value]
        if isinstance(node, yaml.SequenceNode):
            return [place + 'sequence'] + [line for item in node.value for line in outline(item)]
        return [place + 'mapping'] + [line for pair in node.value for item in pair for line in outline(item)]
    answers = []
    for text in json.load(sys.stdin):
        try: answers.append(outline(yaml.compose(text, Loader=yaml.SafeLoader)))
        except yaml.YAMLError: answers.append(None)
    json.dump(answers, sys.stdout)
    """
  let output = try runPython(script, input: Array(JSONEncoder().encode(documents)))
  return try JSONDecoder().decode([[String]?].self, from: Data(output.utf8))
}

/// Random documents in all of YAML's styles that manifests may use.
private struct DocumentMaker {
  var random: FixedRandom

  private static let words = [
    "a", "b c", "größe", "x:y", "-1", "0644", "true", "~", "a#b", "€", "😀 x", "1.2.0", "it's", "q\"q",
  ]

  mutating func block(indent: Int, depth: Int) -> String {
    let margin = String(repeating: " ", count: indent)
    var text = ""
    let isMapping = indent == 0 || Bool.random(using: &random)
    for index in 0..<Int.random(in: 1...4, using: &random) {
      if Int.random(in: 0..<6, using: &random) == 0 { text += "\(margin)# a comment\n" }
      text += margin + (isMapping ? "\(key(index)):" : "-")
      switch Int.random(in: 0..<(depth > 4 ? 4 : 6), using: &random) {
      case 0: text += " \(flow(depth: depth))\n"
      case 1: text += " |\n\(margin)  line \(index)\n\n\(margin)   more\n"
      case 2: text += " >-\n\(margin)  folded\n\(margin)  text\n"
      case 3: text += " \(scalar())\(Bool.random(using: &random) ? "  # why" : "")\n"
      default: text += "\n" + block(indent: indent + 2, depth: depth + 1)
      }
    }
    return text
  }

  private mutating func key(_ index: Int) -> String {
    ["k\(index)", "\"k \(index)\"", "'ü\(index)'", "k-\(index).x"].randomElement(using: &random) ?? ""
  }

  private mutating func flow(depth: Int) -> String {
    guard depth < 8 else { return "z" }
    switch Int.random(in: 0..<4, using: &random) {
    case 0: return "[]"
    case 1: return "[\(flow(depth: depth + 1)), \(scalar()), {a: \(flow(depth: depth + 1))}]"
    case 2: return "{x: \(scalar()),\n        y: \(flow(depth: depth + 1))}"
    default: return scalar()
    }
  }

  private mutating func scalar() -> String {
    let word = Self.words.randomElement(using: &random) ?? ""
    switch Int.random(in: 0..<3, using: &random) {
    case 0: return "'\(word.replacing("'", with: "''"))'"
    case 1: return "\"\(word.replacing("\"", with: "\\\""))\\t\\u00e4\""
    default: return word
    }
  }
}

// Needs python3 with yaml.
@Suite(.enabled(if: pythonHas("yaml"), "python3 with yaml is missing")) struct ForeignParserTests {
  @Test func nodesAndPlacesAreThoseOfAnotherParser() throws {
    var documents = [ManifestReference.imageSample, ManifestReference.componentSample]
    for seed in 0..<300 {
      var maker = DocumentMaker(random: FixedRandom(seed: UInt64(seed)))
      documents.append(maker.block(indent: 0, depth: 0))
    }
    for (text, foreign) in zip(documents, try foreignOutlines(of: documents)) {
      #expect(outline(try YAMLDocument.parse(Array(text.utf8), file: "f")) == foreign, "\(text)")
    }
  }

  @Test func whatIsReadAfterAMutationIsReadTheSame() throws {
    var random = FixedRandom(seed: 11)
    let characters = Array(" \n:-#,[]{}'\"|>a0")
    var readable: [(text: String, own: [String])] = []
    for _ in 0..<1500 {
      var mutated = Array(ManifestReference.componentSample)
      let index = Int.random(in: 0..<mutated.count, using: &random)
      let character = characters.randomElement(using: &random) ?? " "
      if Bool.random(using: &random) {
        mutated[index] = character
      } else {
        mutated.insert(character, at: index)
      }
      let text = String(mutated)
      guard let node = try? YAMLDocument.parse(Array(text.utf8), file: "f") else { continue }
      readable.append((text, outline(node)))
    }
    try #require(readable.count > 300)
    for (mine, foreign) in zip(readable, try foreignOutlines(of: readable.map(\.text))) {
      #expect(mine.own == foreign, "\(mine.text)")
    }
  }

  // PyYAML's values follow YAML 1.1, so this compares strings only.
  @Test func stringsAreThoseOfAnotherParser() throws {
    let text = """
      plain: a b  c
      folded: >-
        one
        two

        three
      kept: |+
        x

      quoted: "a\\tb\\u00e4\\x41"
      single: 'it''s'
      multi: a
        b

        c
      ? explicit
      : {flow: [a, "b, c", 'd: e'], 'k k': v}
      list:
      - - x
        - y
      -
        z: w
      """
    let node = try YAMLDocument.parse(Array(text.utf8), file: "f")
    let script = "import json, sys, yaml; print(json.dumps(yaml.safe_load(sys.stdin), sort_keys=True))"
    let foreign = try runPython(script, input: Array(text.utf8))
    let own = try runPython(
      "import json, sys; print(json.dumps(json.load(sys.stdin), sort_keys=True))",
      input: Array(JSONText(node).rendered().utf8))
    #expect(own == foreign)
    #expect(own.contains("explicit"))
  }
}
