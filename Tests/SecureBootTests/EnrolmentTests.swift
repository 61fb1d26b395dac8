import Bytes
import Foundation
import Signing
import TestSupport
import Testing

@testable import SecureBoot

@Suite("signature lists and authenticated variables")
struct EnrolmentTests {
  static let owner = "3a324802-40b4-4038-907e-9f6ce0c74b57"

  @Test("GUIDs are stored as the specification's example is, and read back")
  func guids() throws {
    let guid = try EFIGUID("8BE4DF61-93CA-11d2-AA0D-00E098032B8C")
    #expect(Hex.encode(guid.bytes) == "61dfe48bca93d211aa0d00e098032b8c")
    #expect(guid.description == "8be4df61-93ca-11d2-aa0d-00e098032b8c")
    #expect(guid == .globalVariable)
    for text in ["", "x", "8be4df6193ca11d2aa0d00e098032b8c", "8be4df61-93ca-11d2-aa0d-00e098032b8g"] {
      #expect(code { _ = try EFIGUID(text) } == .malformed)
    }
    let random = try (0..<50).map { _ in try EFIGUID.random().description }
    #expect(Set(random).count == 50)
    // Version 4, variant 10.
    let pattern = #/[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/#
    #expect(random.allSatisfy { $0.wholeMatch(of: pattern) != nil })
  }

  @Test(
    "lists and writes are byte for byte those of efitools",
    .enabled(if: findTool("sign-efi-sig-list") != nil, "efitools is missing"))
  func efitools() async throws {
    try await Workshop.with { shop in
      let (one, other) = (try Keys.one.get(), try Keys.other.get())
      let guid = try EFIGUID(Self.owner)
      for (name, pair) in [("one", one), ("other", other)] {
        try shop.write(pair.pem().utf8, "\(name).key")
        try shop.write(pair.certificate.pem.utf8, "\(name).crt")
      }
      try shop.succeed("cert-to-efi-sig-list", "-g", Self.owner, "one.crt", "one.esl")
      let list = SignatureList.encode(one.certificate, owner: guid)
      #expect(try shop.read("one.esl") == list)
      try shop.write([], "empty.esl")

      let time = CivilTime(seconds: Keys.time)
      for (role, flags, data, isAppended) in [
        (SecureBootRole.platform, [], "one.esl", false), (.keyExchange, [], "one.esl", false),
        (.database, [], "one.esl", false), (.database, ["-a"], "one.esl", true),
        (.platform, [], "empty.esl", false),
      ] as [(SecureBootRole, [String], String, Bool)] {
        let result = try run(
          ["sign-efi-sig-list"] + flags
            + [
              "-t", "2024-02-29 12:34:56", "-k", "other.key", "-c", "other.crt", role.rawValue, data,
              "theirs.auth",
            ], directory: shop.directory.path)
        try #require(result.status == 0, "\(result.text)\(result.errorText)")
        let ours = try await AuthenticatedVariable.encode(
          role, shop.read(data), isAppended: isAppended, time: time, signer: other.signer)
        #expect(try shop.read("theirs.auth") == ours, "\(role) \(flags) \(data)")
      }
    }
  }
}
