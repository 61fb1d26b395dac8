import Foundation

@testable import Manifest

/// What Python's jsonschema says of each document: `ok` or `refused`.
func schemaVerdicts(of documents: [String]) throws -> [String] {
  struct Question: Encodable {
    let schema: String
    let documents: [String]
  }
  let script = """
    import json, sys, yaml
    from jsonschema import Draft202012Validator
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    question = json.load(sys.stdin)
    schema = json.loads(question['schema'])
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for text in question['documents']:
        print('ok' if validator.is_valid(yaml.load(text, loader)) else 'refused')
    """
  let question = Question(schema: ManifestSchema.json(), documents: documents)
  let output = try runPython(script, input: Array(JSONEncoder().encode(question)))
  return output.split(separator: "\n").map(String.init)
}

/// What the decoder finds wrong with a manifest by itself.
func decodingProblems(_ text: String) -> [ManifestError.Problem] {
  var session = LoadingSession(tree: ExampleTree())
  guard let node = try? YAMLDocument.parse(Array(text.utf8), file: "f") else { return [] }
  let origin = Origin(kind: .image, name: "a")
  switch node.entry("kind")?.value.text {
  case "Component":
    _ = session.decode(node, file: "manifests/f.yaml", as: ComponentKeys.component, origin: origin)
  case "Fleet": _ = session.decode(node, file: "fleet.yaml", as: FleetKeys.fleet, origin: origin)
  case "Server": _ = session.decode(node, file: "server.yaml", as: ServerKeys.server, origin: origin)
  default:
    _ = session.decode(node, file: "manifests/f.yaml", as: ImageKeys.image, origin: origin)
  }
  return session.problems
}

/// A tree in which every file is there, for the examples.
struct ExampleTree: SourceTree {
  func file(at path: String) throws -> SourceFile? { SourceFile(bytes: Array(path.utf8)) }
  func list(_ directory: String) throws -> [SourceEntry] { [] }
}
