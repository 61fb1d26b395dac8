import Bytes
import FoundationEssentials
import Provenance
import TestSupport
import Testing

@Suite("SPDX documents")
struct SPDXDocumentTests {
  /// A document with whatever is awkward: odd names, epochs, quotes, control characters, no files, no licence.
  static func sample(reversed: Bool = false) throws -> SPDXDocument {
    let copyright = """
      Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

      Files: *
      Copyright: a
      License: GPL-2+ and Own
       A "text" with \\ and a\ttab and ünicode.
       .
       End\u{7}.
      """
    let license = PackageLicense(copyright: Array(copyright.utf8), package: "libstdc++6")
    func file(_ path: String) -> SPDXDocument.File {
      SPDXDocument.File(path: path, digests: FileDigests(of: Array(path.utf8)))
    }
    func debian(_ license: PackageLicense?, _ maintainer: String?, _ dependencies: [String])
      -> SPDXDocument.Debian
    {
      SPDXDocument.Debian(
        architecture: "amd64", path: "pool/x.deb", digest: SHA256.digest(of: [1]), source: "x 1.0",
        maintainer: maintainer, homepage: "https://example.org/", license: license, dependencies: dependencies
      )
    }
    let parts = [
      SPDXDocument.Part(
        name: "libstdc++6", version: "1:14.2-1+b1",
        origin: .debian(debian(license, "Jo \"J\" Doe (x) <jo@example.org>", ["base-files"])),
        files: [file("usr/lib/libstdc++.so.6"), file("usr/lib/a b.so")]),
      SPDXDocument.Part(
        name: "base-files", version: "13", origin: .debian(debian(nil, nil, [])), files: []),
      SPDXDocument.Part(
        name: "stub", version: "2", origin: .boot(debian(nil, "A Team <t@lists.example.org>", [])), files: []),
      SPDXDocument.Part(
        name: "component base", version: nil, origin: .other("Declared."), files: [file("etc/x")]),
    ]
    return SPDXDocument(
      name: "sample", version: "1.0", architecture: "amd64", created: "2026-11-21T09:15:44Z",
      rootHash: SHA256.digest(of: [2]), lockDigest: SHA256.digest(of: [3]), distribution: "debian-13",
      tool: "netimg-0", parts: reversed ? parts.reversed() : parts)
  }

  @Test("the bytes are these")
  func golden() throws {
    let digest = SHA256.digest(of: try Self.sample().encode()).hex
    #expect(digest == "9203194bf98fe14535b3a134a8e1c892dcf8c0b594b16bd90c89884f70b343fd")
  }

  private struct Document: Decodable {
    struct Package: Decodable {
      struct Code: Decodable { let packageVerificationCodeValue: String }

      let identifier: String
      let name: String
      let supplier: String?
      let licenseDeclared: String?
      let filesAnalyzed: Bool
      let packageVerificationCode: Code?

      enum CodingKeys: String, CodingKey {
        case identifier = "SPDXID"
        case name, supplier, licenseDeclared, filesAnalyzed, packageVerificationCode
      }
    }
    struct File: Decodable {
      let identifier: String
      let fileName: String

      enum CodingKeys: String, CodingKey {
        case identifier = "SPDXID"
        case fileName
      }
    }
    struct Relationship: Decodable, Hashable {
      let spdxElementId: String
      let relationshipType: String
      let relatedSpdxElement: String
    }
    let packages: [Package]
    let files: [File]
    let relationships: [Relationship]
  }

  private func decoded() throws -> Document {
    try JSONDecoder().decode(Document.self, from: Data(Self.sample().encode()))
  }

  @Test("the order of the parts changes nothing")
  func deterministic() throws {
    #expect(try Self.sample().encode() == Self.sample(reversed: true).encode())
  }

  @Test("every identifier is legal, and no two are the same")
  func identifiers() throws {
    let document = try decoded()
    let identifiers = document.packages.map(\.identifier) + document.files.map(\.identifier)
    #expect(Set(identifiers).count == identifiers.count)
    for identifier in identifiers {
      #expect(
        identifier.dropFirst(8).allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || ".-".contains($0)) }
      )
      #expect(identifier.hasPrefix("SPDXRef-"))
    }
  }

  @Test("image, parts, dependencies and files hang together")
  func relationships() throws {
    let document = try decoded()
    func id(_ name: String) throws -> String {
      try #require(document.packages.first { $0.name == name }).identifier
    }
    func has(_ from: String, _ type: String, _ to: String) -> Bool {
      document.relationships.contains {
        $0.spdxElementId == from && $0.relationshipType == type && $0.relatedSpdxElement == to
      }
    }
    #expect(has("SPDXRef-DOCUMENT", "DESCRIBES", try id("sample")))
    #expect(has(try id("sample"), "CONTAINS", try id("libstdc++6")))
    #expect(has(try id("stub"), "BUILD_DEPENDENCY_OF", try id("sample")))
    #expect(has(try id("libstdc++6"), "DEPENDS_ON", try id("base-files")))
    let file = try #require(document.files.first { $0.fileName == "./etc/x" })
    #expect(has(try id("component base"), "CONTAINS", file.identifier))
    #expect(
      document.relationships.filter {
        $0.relationshipType == "CONTAINS" && $0.relatedSpdxElement == file.identifier
      }.count == 1)
  }

  @Test("the verification code is SHA-1 over the sorted SHA-1 digests, as sha1sum computes it")
  func verificationCode() throws {
    let package = try #require(try decoded().packages.first { $0.name == "libstdc++6" })
    let script = """
      for p in 'usr/lib/libstdc++.so.6' 'usr/lib/a b.so'; do printf %s "$p" | sha1sum | cut -c1-40; done |
        LC_ALL=C sort | tr -d '\\n' | sha1sum | cut -c1-40 | tr -d '\\n'
      """
    #expect(
      try package.packageVerificationCode?.packageVerificationCodeValue == run(["sh", "-c", script]).text)
    let empty = try #require(try decoded().packages.first { $0.name == "base-files" })
    #expect(empty.packageVerificationCode == nil && !empty.filesAnalyzed)
  }

  @Test("maintainers are persons or organizations; nothing stands for what is not known")
  func suppliers() throws {
    let packages = try decoded().packages
    #expect(packages.first { $0.name == "libstdc++6" }?.supplier == "Person: Jo \"J\" Doe x (jo@example.org)")
    #expect(packages.first { $0.name == "stub" }?.supplier == "Organization: A Team (t@lists.example.org)")
    #expect(packages.first { $0.name == "base-files" }?.supplier == "NOASSERTION")
    #expect(packages.first { $0.name == "base-files" }?.licenseDeclared == "NOASSERTION")
  }

  @Test(
    "the reference tools find nothing wrong",
    .enabled(if: hasPythonModule("spdx_tools"), "spdx-tools is missing: pip install spdx-tools"))
  func foreign() async throws {
    try await withScratchDirectory { directory in
      let path = directory.appendingPathComponent("sbom.spdx.json").path
      try Data(Self.sample().encode()).write(to: URL(fileURLWithPath: path))
      let result = try run([testPython, "-m", "spdx_tools.spdx.clitools.pyspdxtools", "-i", path])
      #expect(result.status == 0, "\(result.text)\(result.errorText)")
      // The tools must be able to refuse, or their silence says nothing.
      let broken = String(decoding: try Self.sample().encode(), as: UTF8.self)
        .replacing("GPL-2.0-or-later", with: "GPL 2 or so")
      try Data(broken.utf8).write(to: URL(fileURLWithPath: path))
      #expect(try run([testPython, "-m", "spdx_tools.spdx.clitools.pyspdxtools", "-i", path]).status != 0)
    }
  }
}
