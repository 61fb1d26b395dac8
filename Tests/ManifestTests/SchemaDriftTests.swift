import Testing

@testable import Manifest

/// Where a mapping goes in a manifest: `OBJ` is the mapping in flow style.
private let places: [String: String] = [
  "Suite": "suite: OBJ", "SuiteSource": "suite: {name: t, keyring: /k, sources: [OBJ]}",
  "Packages": "packages: OBJ",
  "Exclusion": "packages: {exclude: [OBJ]}", "ImageKernel": "kernel: OBJ", "ComponentKernel": "kernel: OBJ",
  "File": "files: [OBJ]", "Directory": "directories: [OBJ]", "Link": "links: [OBJ]",
  "Permission": "permissions: [OBJ]", "User": "users: [OBJ]", "Group": "groups: [OBJ]", "Units": "units: OBJ",
  "Drop": "drop: [OBJ]", "Script": "scripts: [OBJ]", "Alternative": "alternatives: [OBJ]",
  "Replacement":
    "scripts: [{package: aa, script: postinst, sha256: [\(digest)], reason: r, replacement: OBJ}]",
  "Exception": "exceptions: [OBJ]", "Limits": "limits: OBJ",
]

private let digest = String(repeating: "0f", count: 32)

/// Values of every type, and near misses of most forms.
private let probes = [
  "5", "0", "-1", "70000", "4294967296", "1.5", "true", "~", "\"\"", "\" \"", "x", "frr", "X", "a_b", "a b",
  "\"5\"", "\"0644\"", "\"644\"", "/", "/a", "/a/", "/a/../b", "/a/**", "/a**", "../x", "a.service",
  "a.srvice",
  "aa=1", "aa=", "1MiB", "0MiB", "1MB", "amd64", "postinst", "netimg/v1", "Image", "Component", "cap_kill",
  digest,
  "\"a\\nb\"", "\"a:b\"", "[]", "[5]", "[x]", "[/a]", "[/a/**]", "[a.service]", "[\(digest)]", "[cap_kill]",
  "[frr]",
  "[[frr]]", "[{}]", "[~]", "{}", "{a: 1}", "{a: \"\"}", "{a: [1]}", "{a b: 1}", "{name: frr}",
  "[{name: frr}]",
  "[{path: /a}]", "[{path: /a, bogus: 1}]",
]

/// A manifest in which one key of one mapping has a certain value, and everything else is right.
private func manifest(_ object: ObjectShape, _ key: KeyShape, _ probe: String) -> String? {
  var entries = ["\(key.name): \(probe)"]
  for other in object.keys where other.isRequired && other.name != key.name {
    entries.append("\(other.name): \(other.example)")
  }
  for group in [object.exactlyOne, object.atLeastOne] where !group.contains(key.name) {
    guard let first = object.keys.first(where: { $0.name == group.first }) else { continue }
    entries.append("\(first.name): \(first.example)")
  }
  let text = "{\(entries.joined(separator: ", "))}"
  if ManifestKind(rawValue: object.name) != nil { return text }
  guard let place = places[object.name] else { return nil }
  let declaration = place.replacing("OBJ", with: text)
  switch object.name {
  case "Suite", "SuiteSource", "ImageKernel", "Limits":
    // The last of these keys replaces that of the image.
    let name = declaration.prefix { $0 != ":" }
    let lines = image().split(separator: "\n").filter { !$0.hasPrefix("\(name):") && !$0.hasPrefix(" ") }
    let kernel = name == "kernel" ? "" : "kernel: {package: linux-image-amd64}\n"
    let rest = lines.filter { !$0.hasPrefix("kernel:") }.joined(separator: "\n")
    return "\(rest)\n\(kernel)\(declaration)\n"
  default: return component("x", declaration)
  }
}

// The decoder and the JSON Schema come from one table; this asks a foreign validator whether they agree on
// every key and every probe. Needs python3 with jsonschema and yaml.
@Suite(.enabled(if: pythonHas("jsonschema, yaml"))) struct SchemaDriftTests {
  @Test func decoderAndSchemaAgreeOnEveryKey() throws {
    var documents: [String] = []
    for object in Schema.definitions() {
      for key in object.keys {
        for probe in probes + [key.example] {
          documents.append(try #require(manifest(object, key, probe), "\(object.name) has no place"))
        }
      }
    }
    let verdicts = try schemaVerdicts(of: documents)
    try #require(verdicts.count == documents.count)
    var accepted = 0
    for (text, verdict) in zip(documents, verdicts) {
      let problems = decodingProblems(text)
      if problems.isEmpty { accepted += 1 }
      #expect((verdict == "ok") == problems.isEmpty, "\(text)\n\(problems)")
    }
    // Neither may agree by refusing everything.
    #expect(accepted > documents.count / 20)
  }

  @Test func everyExampleIsAccepted() throws {
    for object in Schema.definitions() {
      for key in object.keys {
        let text = try #require(manifest(object, key, key.example))
        #expect(decodingProblems(text).isEmpty, "\(text)")
      }
    }
  }
}
