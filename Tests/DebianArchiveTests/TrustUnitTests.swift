import Testing

@testable import DebianArchive

@Suite struct ClearSignedTests {
  private static let message = """
    -----BEGIN PGP SIGNED MESSAGE-----
    Hash: SHA256

    Suite: trixie
    - -----BEGIN PGP SIGNATURE-----
    - - item

    last
    -----BEGIN PGP SIGNATURE-----

    abc
    -----END PGP SIGNATURE-----

    """

  @Test func theTextIsUnescapedAndEndsBeforeTheLastNewline() throws {
    let parsed = try ClearSigned(Array(Self.message.utf8), file: "x")
    #expect(
      String(decoding: parsed.text, as: UTF8.self)
        == "Suite: trixie\n-----BEGIN PGP SIGNATURE-----\n- item\n\nlast")
    #expect(
      String(decoding: parsed.signature, as: UTF8.self)
        == "-----BEGIN PGP SIGNATURE-----\n\nabc\n-----END PGP SIGNATURE-----\n")
  }

  @Test func everyTruncatedPrefixThrows() {
    let bytes = Array(Self.message.utf8)
    // Without its last newline, or the blank line's, the message is still whole.
    for length in 0..<(bytes.count - 1) {
      #expect(throws: ArchiveError.self) { try ClearSigned(Array(bytes[..<length]), file: "x") }
    }
  }

  @Test(arguments: [
    ("Hash: SHA256", "Comment: x"), ("- - item", "-item"), ("last", "la\0st"),
    ("-----END PGP SIGNATURE-----", "-----END PGP SIGNATURE-----\nx"),
    ("-----BEGIN PGP SIGNED", "x\n-----BEGIN PGP SIGNED"),
  ])
  func whatIsOutOfPlaceIsRefused(old: String, new: String) {
    let text = Self.message.replacing(old, with: new)
    #expect(throws: ArchiveError.self) { try ClearSigned(Array(text.utf8), file: "x") }
  }
}

@Suite struct SignatureVerdictTests {
  private func verdict(_ lines: String...) -> SignatureVerdict {
    SignatureVerdict(gpgvStatus: lines.map { "[GNUPG:] \($0)\n" }.joined())
  }

  @Test func oneGoodSignatureIsEnoughAndOneBadIsTooMuch() {
    let good = ["NEWSIG", "GOODSIG K name", "VALIDSIG F 2026-11-21"]
    #expect(verdict("NEWSIG", "ERRSIG K 1 8 00 1 9", "NO_PUBKEY K", good[0], good[1], good[2]) == .good)
    #expect(verdict(good[0], good[1], good[2], "NEWSIG", "BADSIG K name") == .bad)
    #expect(verdict("NEWSIG", "BADSIG K name", good[0], good[1], good[2]) == .bad)
  }

  /// gpgv says VALIDSIG for these too.
  @Test(arguments: ["EXPKEYSIG", "REVKEYSIG", "EXPSIG"])
  func aStaleSignatureDoesNotCount(kind: String) {
    #expect(verdict("NEWSIG", "\(kind) K name", "VALIDSIG F 2026-11-21") == .staleKey)
    #expect(
      verdict("NEWSIG", "\(kind) K name", "VALIDSIG F x", "NEWSIG", "GOODSIG K name", "VALIDSIG F x") == .good
    )
    // A good one elsewhere does not lend its word to this one.
    #expect(verdict("NEWSIG", "GOODSIG K name", "NEWSIG", "\(kind) K name", "VALIDSIG F x") == .staleKey)
  }

  @Test func halfASignatureIsNone() {
    #expect(verdict("NEWSIG", "GOODSIG K name") == .unknownKey([]))
    #expect(verdict("NEWSIG", "VALIDSIG F x") == .unknownKey([]))
    #expect(verdict("NODATA 1") == .unknownKey([]))
    #expect(SignatureVerdict(gpgvStatus: "GOODSIG K name\nVALIDSIG F x\n") == .unknownKey([]))
  }
}

@Suite struct ReleaseDateTests {
  @Test(arguments: [
    ("Sat, 21 Nov 2026 09:15:44 UTC", "2026-11-21T09:15:44Z", 1_795_252_544),
    ("Thu, 01 Jan 1970 00:00:00 UTC", "1970-01-01T00:00:00Z", 0),
    ("29 Feb 2024 23:59:59 +0000", "2024-02-29T23:59:59Z", 1_709_251_199),
    ("Fri, 31 Dec 1999 12:00:00 GMT", "1999-12-31T12:00:00Z", 946_641_600),
    ("Mon, 1 Mar 2100 00:00:00 UTC", "2100-03-01T00:00:00Z", 4_107_542_400),
  ])
  func bothFormsAreRead(mail: String, timestamp: String, seconds: Int64) {
    #expect(ReleaseDate(mail)?.seconds == seconds)
    #expect(ReleaseDate(mail)?.description == timestamp)
    #expect(ReleaseDate(timestamp: timestamp)?.seconds == seconds)
  }

  @Test(arguments: [
    "", "Sat, 21 Nov 2026", "Sat, 21 Nov 2026 09:15:44", "Sat, 21 Nov 2026 09:15:44 CET",
    "32 Nov 2026 09:15:44 UTC",
    "31 Nov 2026 09:15:44 UTC", "29 Feb 2026 09:15:44 UTC", "21 Nov 2026 24:15:44 UTC",
    "21 Nov 2026 09:60:44 UTC",
    "21 nov 2026 09:15:44 UTC", "21 Nov 99999 09:15:44 UTC", "-1 Nov 2026 09:15:44 UTC",
    "21 Nov 2026 09:15 UTC",
    "21 Nov 2026 09:15:44 UTC UTC", "21 Nov 1969 09:15:44 UTC",
  ])
  func otherTextIsNoDate(text: String) {
    #expect(ReleaseDate(text) == nil)
  }

  @Test(arguments: [
    "", "2026-11-21", "2026-11-21T09:15:44", "2026-11-21 09:15:44Z", "2026-02-29T00:00:00Z",
    "2026-1-21T009:15:44Z",
    "2026-11-21T09:15:44+", "20261121T091544Z----", "2026-11-21T09:15:60Z",
  ])
  func otherTextIsNoTimestamp(text: String) {
    #expect(ReleaseDate(timestamp: text) == nil)
  }
}
