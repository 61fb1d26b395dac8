internal import Signing

extension SLSAStatement {
  /// The DSSE payload type of in-toto statements.
  package static let payloadType = "application/vnd.in-toto+json"

  /// The statement as JSON, without white space.
  package func encode() -> [UInt8] { Array((json.encoded + "\n").utf8) }

  var json: JSONValue {
    var external = [JSONMember("manifest", .string(manifest))]
    if let commit { external.append(JSONMember("commit", .string(commit))) }
    external.append(JSONMember("dirty", .bool(isDirty)))
    let formats = formats.sorted { $0.key < $1.key }.map { JSONMember($0.key, .integer($0.value)) }
    return .object([
      JSONMember("_type", .string("https://in-toto.io/Statement/v1")),
      JSONMember("subject", .array(subjects.map(Self.value))),
      JSONMember("predicateType", .string("https://slsa.dev/provenance/v1")),
      JSONMember(
        "predicate",
        .object([
          JSONMember(
            "buildDefinition",
            .object([
              JSONMember("buildType", .string(Self.buildType)),
              JSONMember("externalParameters", .object(external)),
              JSONMember(
                "internalParameters",
                .object([
                  JSONMember("compressionLevel", .integer(compressionLevel)),
                  JSONMember("formats", .object(formats)), JSONMember("netimg", .string(version)),
                  JSONMember("zstd", .string(zstd)),
                ])),
              JSONMember("resolvedDependencies", .array(dependencies.map(Self.value))),
            ])),
          JSONMember(
            "runDetails",
            .object([
              JSONMember(
                "builder",
                .object([
                  JSONMember("id", .string(Self.builderID)),
                  JSONMember("version", .object([JSONMember("netimg", .string(version))])),
                ]))
            ])),
        ])),
    ])
  }

  private static func value(_ resource: Resource) -> JSONValue {
    var members = [JSONMember("name", .string(resource.name))]
    if !resource.uri.isEmpty { members.append(JSONMember("uri", .string(resource.uri))) }
    members.append(
      JSONMember("digest", .object([JSONMember(resource.algorithm, .string(resource.digest))])))
    if !resource.annotations.isEmpty {
      let annotations = resource.annotations.sorted { $0.key < $1.key }
      members.append(
        JSONMember("annotations", .object(annotations.map { JSONMember($0.key, .string($0.value)) })))
    }
    return .object(members)
  }
}
