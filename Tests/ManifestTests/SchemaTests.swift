import Foundation
import Testing

@testable import Manifest

/// Asks Python's jsonschema which documents the schema refuses, and in which way.
private func refusals(of documents: [String]) throws -> [String] {
  struct Question: Encodable {
    let schema: String
    let documents: [String]
  }
  let script = """
    import json, sys, yaml
    from jsonschema import Draft202012Validator
    question = json.load(sys.stdin)
    schema = json.loads(question['schema'])
    Draft202012Validator.check_schema(schema)
    validator = Draft202012Validator(schema)
    for text in question['documents']:
        print('ok' if validator.is_valid(yaml.safe_load(text)) else 'refused')
    """
  let question = Question(schema: ManifestSchema.json(), documents: documents)
  let output = try runPython(script, input: Array(JSONEncoder().encode(question)))
  return output.split(separator: "\n").map(String.init)
}

@Suite struct SchemaTests {
  @Test func everyExampleAndDefaultDecodes() throws {
    let kinds: [any SchemaKey] = allKeys
    #expect(kinds.count > 60)
    for key in kinds {
      var context = DecodingContext(
        file: "f", origin: Origin(kind: .image, name: "a"), tree: ExampleTree())
      context.key = key.shape.name
      let node = try #require(key.shape.parsedExample, "\(key.shape.name): \(key.shape.example)")
      #expect(key.decodeValue(node, &context) != nil, "\(key.shape.name): \(key.shape.example)")
      #expect(context.problems.isEmpty, "\(key.shape.name): \(context.problems)")
      if let fallback = key.shape.fallback {
        let scalar = YAMLNode(
          .scalar(YAMLScalar(text: fallback, kind: .string)), at: SourceLocation(file: "f"))
        #expect(key.decodeValue(scalar, &context) != nil, "\(key.shape.name) = \(fallback)")
      }
    }
  }

  @Test func theListOfKeysHereIsComplete() {
    let listed = Set(allKeys.map { "\($0.shape.name) \($0.shape.summary)" })
    for object in Schema.definitions() {
      for key in object.keys {
        #expect(listed.contains("\(key.name) \(key.summary)"), "\(object.name).\(key.name)")
      }
    }
  }

  @Test func everySentenceIsOne() {
    for object in Schema.definitions() {
      #expect(object.summary.hasSuffix("."))
      #expect(Set(object.keys.map(\.name)).count == object.keys.count)
      for key in object.keys { #expect(key.summary.hasSuffix("."), "\(object.name).\(key.name)") }
      for name in object.exactlyOne + object.atLeastOne { #expect(object.keys.map(\.name).contains(name)) }
    }
  }

  @Test func theSchemaIsJSONAndAlwaysTheSame() throws {
    let text = ManifestSchema.json()
    #expect(text == ManifestSchema.json())
    let object = try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
    let definitions = try #require(object["$defs"] as? [String: Any])
    #expect(definitions.count == Schema.definitions().count)
    #expect(definitions["Image"] != nil && definitions["Component"] != nil && definitions["File"] != nil)
  }

  // Needs python3 with jsonschema and yaml.
  @Test(.enabled(if: pythonHas("jsonschema, yaml")))
  func aForeignValidatorAgreesWithTheDecoder() throws {
    let good = [
      ManifestReference.imageSample, ManifestReference.componentSample, image(), component("x"),
      image("sysctls: {a.b: 1, c.d: x, e.f: true}"), image("limits: {image: 5, uki: 5GiB}"),
      component("x", "permissions: [{path: /a, capabilities: [], reason: r}]"),
    ]
    let bad = [
      image("bogus: 1"), image("requires: [b]"), image("files: [{path: /a}]"),
      image("files: [{path: /a, content: x, source: y}]"), image("permissions: [{path: /a, reason: r}]"),
      image("directories: [{path: /a, mode: 644}]"), image("limits: {image: 5MB}"),
      image("users: [{name: a, uid: -1}]"), image("drop: [{paths: [], reason: r}]"),
      image("units: {enable: [frr]}"), image("sysctls: {a b: 1}"), image("sysctls: {a: [1]}"),
      image("description: [x]"), component("X"), "kind: Image\n",
    ]
    let expected = good.map { _ in "ok" } + bad.map { _ in "refused" }
    #expect(try refusals(of: good + bad) == expected)
    for text in bad {
      let session = decodingProblems(text)
      #expect(!session.isEmpty, "\(text)")
    }
    for text in good { #expect(decodingProblems(text).isEmpty, "\(text)") }
  }

  // Needs python3 with yaml, which is a parser of its own. Its YAML is 1.1, so this compares strings only.
  @Test(.enabled(if: pythonHas("yaml")))
  func aForeignParserReadsTheSame() throws {
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

  private func decodingProblems(_ text: String) -> [ManifestError.Problem] {
    var session = LoadingSession(tree: ExampleTree())
    guard let node = try? YAMLDocument.parse(Array(text.utf8), file: "f") else { return [] }
    let origin = Origin(kind: .image, name: "a")
    if node.entry("kind")?.value.text == "Component" {
      _ = session.decode(node, file: "f", as: ComponentKeys.component, origin: origin)
    } else {
      _ = session.decode(node, file: "f", as: ImageKeys.image, origin: origin)
    }
    return session.problems
  }
}

/// A tree in which every file is there, for the examples.
private struct ExampleTree: SourceTree {
  func file(at path: String) throws -> SourceFile? { SourceFile(bytes: Array(path.utf8)) }
  func list(_ directory: String) throws -> [SourceEntry] { [] }
}

private let allKeys: [any SchemaKey] =
  [
    ImageKeys.kind, ImageKeys.name, ImageKeys.version, ImageKeys.architecture, ImageKeys.suite,
    ImageKeys.components, ImageKeys.kernel, ImageKeys.limits, ComponentKeys.kind, ComponentKeys.name,
    ComponentKeys.requires, ComponentKeys.kernel, ManifestKeys.apiVersion, ManifestKeys.description,
    ManifestKeys.packages, SuiteKeys.name, SuiteKeys.keyring, SuiteKeys.sources, SuiteKeys.archive,
    SuiteKeys.sourceSuite, SuiteKeys.sections, PackageKeys.include, PackageKeys.exclude, PackageKeys.package,
    PackageKeys.exclusionReason, PackageKeys.paths, PackageKeys.keep, PackageKeys.dropReason,
    KernelKeys.package, KernelKeys.stub, KernelKeys.modules, KernelKeys.commandLine, KernelKeys.imageLimit,
    KernelKeys.ukiLimit, KernelKeys.fileLimit, FileKeys.path, FileKeys.content, FileKeys.source,
    FileKeys.mode,
    FileKeys.directoryMode, FileKeys.owner, FileKeys.group, FileKeys.target, FileKeys.newMode,
    FileKeys.newOwner, FileKeys.newGroup, FileKeys.capabilities, FileKeys.permissionReason,
    SystemKeys.userName, SystemKeys.uid, SystemKeys.primaryGroup, SystemKeys.supplementaryGroups,
    SystemKeys.home, SystemKeys.shell, SystemKeys.userDescription, SystemKeys.groupName, SystemKeys.gid,
    SystemKeys.enable, SystemKeys.mask, SystemKeys.alternativeName, SystemKeys.alternativePath,
    SystemKeys.rule, SystemKeys.exceptionPath, SystemKeys.exceptionReason, ScriptKeys.package,
    ScriptKeys.script, ScriptKeys.digests, ScriptKeys.reason, ScriptKeys.replacement, ScriptKeys.users,
    ScriptKeys.groups, ScriptKeys.directories, ScriptKeys.links, ScriptKeys.files, ScriptKeys.permissions,
  ] + ManifestKeys.declarations
