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
  // The name of a key here is that of no image: the first word says of which kind the manifest is.
  "UnknownDevices": "fleet|unknownDevices: OBJ", "Site": "fleet|sites: [OBJ]",
  "DeviceGroup": "fleet|groups: [OBJ]",
  "Retry": "fleet|groups: [{name: g, channel: c, retry: OBJ}]", "Device": "fleet|devices: [OBJ]",
  "Log": "server|log: OBJ", "Control": "server|control: OBJ", "Uploads": "server|uploads: OBJ",
  "HTTP": "server|http: OBJ", "TFTP": "server|tftp: OBJ",
  "DHCP": "server|dhcp: OBJ",
  "ServedRepository": "server|repository: OBJ", "FleetRepository": "server|git: OBJ",
  "IPXE": "server|ipxe: OBJ", "Subnet": "server|dhcp: {subnets: [OBJ]}",
  "IPv6Subnet":
    "server|dhcp: {mode: server, subnets: [{network: 192.0.2.0/24}], ipv6: true, ipv6Subnets: [OBJ]}",
  "Reservation": "server|dhcp: {subnets: [{network: 192.0.2.0/24, reservations: [OBJ]}]}",
]

/// What a JSON Schema cannot say, because it is about two values: such probes have no verdict to compare.
private func isBeyondSchema(_ problems: [ManifestError.Problem]) -> Bool {
  let words = [
    "there is no group", "there is no site", "belongs to", "needs the key group", "only action: boot",
    "needs subnets", "need mode: server and ipv6: true",
    "is not inside", "needs a certificate", "is more than there are keys", "leaves the group nothing",
    "bits behind", "ends before",
    "image without channel", "behind an address cannot be signed",
  ]
  return !problems.isEmpty
    && problems.allSatisfy { problem in words.contains { problem.message.contains($0) } }
}

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
  "[{path: /a}]", "[{path: /a, bogus: 1}]", "Fleet", "Server", "discover", "proxy", "json", "30s", "0s", "30",
  "\"52:54:00:12:34:56\"", "[\"52:54:00:12:34:56\"]", "[\"52:54:00:12:34\"]", "192.0.2.1", "192.0.2.0/24",
  "[192.0.2.0/24]", "[192.0.2.0/33]", "[192.0.2.0/024]", "[256.0.2.0/24]", "[192.0.2.1-192.0.2.9]",
  "[192.0.2.1]",
  "[\"192.0.2.1:80\"]", "[\"[::1]:80\"]", "[\"[::1]:080\"]", "[boot]", "[eth0]", "a@1",
  "\"sha256:\(digest)\"",
  "8c3f2b0e-5a76-4a0e-9d3b-0f6f1c2d3e4f", "8c3f2b0e-5a76-4a0e-9d3b-0f6f1c2d3e4", "{role: edge}",
  "{Role: edge}",
  "{role: 5}",
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
  if declaration.hasPrefix("fleet|") {
    return "apiVersion: netimg/v1\nkind: Fleet\nname: f\n\(declaration.dropFirst(6))\n"
  }
  if declaration.hasPrefix("server|") {
    return "apiVersion: netimg/v1\nkind: Server\n\(declaration.dropFirst(7))\n"
  }
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
@Suite(.enabled(if: pythonHas("jsonschema, yaml"), "python3 with jsonschema and yaml is missing"))
struct SchemaDriftTests {
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
      if isBeyondSchema(problems) { continue }
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
        let problems = decodingProblems(text)
        #expect(problems.isEmpty || isBeyondSchema(problems), "\(text)\n\(problems)")
      }
    }
  }
}
