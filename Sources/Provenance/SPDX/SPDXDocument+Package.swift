internal import Bytes
internal import Signing

extension SPDXDocument.Part {
  /// What a Debian package has, for both kinds of those.
  var debian: SPDXDocument.Debian? {
    switch origin {
    case .debian(let debian), .boot(let debian): debian
    case .other: nil
    }
  }

  /// SPDX 2.3, section 7.9: SHA-1 over the files' SHA-1 digests, sorted and joined.
  var verificationCode: String {
    let digests = files.map(\.digests.sha1.hex).sorted().joined()
    return SHA1Digest.digest(of: Array(digests.utf8)).hex
  }
}

extension SPDXDocument {
  /// A part as a package of the document.
  func package(_ part: Part) -> JSONValue {
    var members = [
      JSONMember("SPDXID", .string(SPDXIdentifier.part(part.name))), JSONMember("name", .string(part.name)),
    ]
    if let version = part.version { members.append(JSONMember("versionInfo", .string(version))) }
    // Where it is downloaded from is whoever mirrors the archive; the file's name and digest say which file it is.
    members.append(JSONMember("downloadLocation", .string(Self.noAssertion)))
    members.append(JSONMember("filesAnalyzed", .bool(!part.files.isEmpty)))
    if !part.files.isEmpty {
      members.append(
        JSONMember(
          "packageVerificationCode",
          .object([JSONMember("packageVerificationCodeValue", .string(part.verificationCode))])))
    }
    if let debian = part.debian {
      members += describe(debian, part)
    } else if case .other(let sentence) = part.origin {
      members += [
        JSONMember("licenseConcluded", .string(Self.noAssertion)),
        JSONMember("licenseDeclared", .string(Self.noAssertion)),
        JSONMember("copyrightText", .string(Self.noAssertion)), JSONMember("comment", .string(sentence)),
      ]
    }
    return .object(members)
  }

  private func describe(_ debian: Debian, _ part: Part) -> [JSONMember] {
    var members = [
      JSONMember("packageFileName", .string(debian.path)),
      JSONMember("supplier", .string(debian.maintainer.flatMap(Self.actor) ?? Self.noAssertion)),
      JSONMember("checksums", .array([Self.checksum("SHA256", debian.digest.hex)])),
      JSONMember("licenseConcluded", .string(Self.noAssertion)),
      JSONMember("licenseDeclared", .string(debian.license?.expression?.text ?? Self.noAssertion)),
      JSONMember("copyrightText", .string(Self.noAssertion)),
      JSONMember("sourceInfo", .string("built from the Debian source package \(debian.source)")),
      JSONMember(
        "externalRefs",
        .array([
          .object([
            JSONMember("referenceCategory", .string("PACKAGE-MANAGER")),
            JSONMember("referenceType", .string("purl")),
            JSONMember(
              "referenceLocator",
              .string(
                PackageURL.debian(
                  name: part.name, version: part.version ?? "", architecture: debian.architecture,
                  distribution: distribution))),
          ])
        ])),
    ]
    if let homepage = debian.homepage, Self.isURL(homepage) {
      members.append(JSONMember("homepage", .string(homepage)))
    }
    return members
  }

  /// `Name <address>` as SPDX writes it. Debian's field does not say whether it is a person; the words do.
  static func actor(_ maintainer: String) -> String? {
    let parts = maintainer.split(separator: "<", maxSplits: 1).map(String.init)
    guard let first = parts.first else { return nil }
    let name = String(first.reversed().drop { $0 == " " }.reversed())
    guard !name.isEmpty, !name.contains("\n") else { return nil }
    let address = parts.count > 1 ? String(parts[1].prefix { $0 != ">" }) : ""
    let words = ["team", "maintainers", "group", "debian", "developers", "packagers", "project", "packaging"]
    let isGroup =
      address.contains("lists.") || address.contains("tracker.")
      || words.contains { name.lowercased().contains($0) }
    // Parentheses enclose the address in SPDX.
    let plain = name.filter { $0 != "(" && $0 != ")" }
    return "\(isGroup ? "Organization" : "Person"): \(plain)\(address.isEmpty ? "" : " (\(address))")"
  }

  private static func isURL(_ text: String) -> Bool {
    (text.hasPrefix("http://") || text.hasPrefix("https://"))
      && text.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f }
  }
}
