internal import Bytes
internal import Signing

extension SPDXDocument {
  /// The media type of the JSON form, which is also the payload type of its signature.
  package static let mediaType = "application/spdx+json"

  /// The document in SPDX's JSON form, without white space.
  package func encode() -> [UInt8] { Array((json.encoded + "\n").utf8) }

  var json: JSONValue {
    let files = parts.flatMap(\.files).sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
    return .object([
      JSONMember("spdxVersion", .string("SPDX-2.3")),
      JSONMember("dataLicense", .string("CC0-1.0")),
      JSONMember("SPDXID", .string(SPDXIdentifier.document)),
      JSONMember("name", .string("\(name)-\(version)")),
      JSONMember("documentNamespace", .string("urn:netimg:sbom:\(rootHash.hex):\(lockDigest.hex)")),
      JSONMember(
        "creationInfo",
        .object([
          JSONMember("created", .string(created)),
          JSONMember("creators", .array([.string("Tool: \(tool)")])),
        ])),
      JSONMember("documentDescribes", .array([.string(SPDXIdentifier.image)])),
      JSONMember("packages", .array([image] + parts.map(package))),
      JSONMember("files", .array(files.map(file))),
      JSONMember("hasExtractedLicensingInfos", .array(extractedLicenses)),
      JSONMember("relationships", .array(relationships)),
    ])
  }

  /// The image itself.
  private var image: JSONValue {
    .object([
      JSONMember("SPDXID", .string(SPDXIdentifier.image)),
      JSONMember("name", .string(name)),
      JSONMember("versionInfo", .string(version)),
      JSONMember("downloadLocation", .string(Self.noAssertion)),
      JSONMember("filesAnalyzed", .bool(false)),
      JSONMember("primaryPackagePurpose", .string("OPERATING-SYSTEM")),
      JSONMember(
        "comment", .string("A \(architecture) image; its root has the dm-verity root hash \(rootHash.hex).")),
    ])
  }

  private func file(_ file: File) -> JSONValue {
    .object([
      JSONMember("SPDXID", .string(SPDXIdentifier.file(file.path))),
      JSONMember("fileName", .string("./\(file.path)")),
      JSONMember(
        "checksums",
        .array([
          Self.checksum("SHA1", file.digests.sha1.hex), Self.checksum("SHA256", file.digests.sha256.hex),
        ])),
      JSONMember("licenseConcluded", .string(Self.noAssertion)),
      JSONMember("copyrightText", .string(Self.noAssertion)),
    ])
  }

  private var extractedLicenses: [JSONValue] {
    var licenses: [String: PackageLicense.Extracted] = [:]
    for part in parts {
      for license in part.debian?.license?.extracted ?? [] { licenses[license.identifier] = license }
    }
    return licenses.values.sorted { $0.identifier.utf8.lexicographicallyPrecedes($1.identifier.utf8) }.map {
      .object([
        JSONMember("licenseId", .string($0.identifier)), JSONMember("name", .string($0.name)),
        JSONMember("extractedText", .string($0.text)),
      ])
    }
  }

  private var relationships: [JSONValue] {
    func relationship(_ from: String, _ type: String, _ to: String) -> JSONValue {
      .object([
        JSONMember("spdxElementId", .string(from)), JSONMember("relationshipType", .string(type)),
        JSONMember("relatedSpdxElement", .string(to)),
      ])
    }
    var result = [relationship(SPDXIdentifier.document, "DESCRIBES", SPDXIdentifier.image)]
    for part in parts {
      let identifier = SPDXIdentifier.part(part.name)
      if case .boot = part.origin {
        result.append(relationship(identifier, "BUILD_DEPENDENCY_OF", SPDXIdentifier.image))
      } else {
        result.append(relationship(SPDXIdentifier.image, "CONTAINS", identifier))
      }
      for dependency in part.debian?.dependencies ?? [] {
        result.append(relationship(identifier, "DEPENDS_ON", SPDXIdentifier.part(dependency)))
      }
      for file in part.files {
        result.append(relationship(identifier, "CONTAINS", SPDXIdentifier.file(file.path)))
      }
    }
    return result
  }

  static let noAssertion = "NOASSERTION"

  static func checksum(_ algorithm: String, _ hex: String) -> JSONValue {
    .object([JSONMember("algorithm", .string(algorithm)), JSONMember("checksumValue", .string(hex))])
  }
}
