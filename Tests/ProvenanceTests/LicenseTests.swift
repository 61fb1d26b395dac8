import Provenance
import TestSupport
import Testing

@Suite("licences")
struct LicenseTests {
  private func license(_ synopsis: String, text: String = "") -> PackageLicense? {
    let file = """
      Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

      Files: *
      Copyright: somebody
      License: \(synopsis)
      \(text)
      """
    return PackageLicense(copyright: Array(file.utf8), package: "sample")
  }

  @Test(
    "Debian's short names in the words of the SPDX list",
    arguments: [
      ("GPL-2", "GPL-2.0-only"), ("GPL-2+", "GPL-2.0-or-later"), ("GPL-2.0+", "GPL-2.0-or-later"),
      ("gpl-3.0-only", "GPL-3.0-only"), ("LGPL-2.1+", "LGPL-2.1-or-later"), ("LGPL", "LGPL-2.0-or-later"),
      ("GFDL-1.3", "GFDL-1.3-only"), ("AGPL-3+", "AGPL-3.0-or-later"), ("Expat", "MIT"),
      ("BSD-3-clause", "BSD-3-Clause"), ("Apache-2.0", "Apache-2.0"), ("zlib", "Zlib"),
      ("GPL-2 with Linux-syscall-note exception", "GPL-2.0-only WITH Linux-syscall-note"),
      ("GPL-3+ with Bison exception", "GPL-3.0-or-later WITH Bison-exception-2.2"),
    ])
  func names(name: String, expected: String) {
    #expect(license(name)?.expression?.text == expected)
    #expect(license(name)?.extracted == [])
  }

  @Test(
    "and binds tighter than or, a comma weaker than both",
    arguments: [
      ("GPL-2 or Expat and ISC", "(GPL-2.0-only OR ISC AND MIT)"),
      ("GPL-2 or Expat, and ISC", "(GPL-2.0-only OR MIT) AND ISC"),
      ("ISC and Zlib, or Expat", "ISC AND Zlib OR MIT"), ("ISC and ISC", "ISC"), ("ISC or ISC", "ISC"),
      ("Zlib OR   ISC", "ISC OR Zlib"),
    ])
  func expressions(synopsis: String, expected: String) {
    let text = license(synopsis)?.expression?.text ?? ""
    #expect(text == expected || "(\(text))" == expected)
  }

  @Test("all paragraphs count, each licence once, in a fixed order")
  func conjunction() {
    let file = """
      Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

      Files: *
      Copyright: a
      License: GPL-2+ or Expat

      Files: b
      Copyright: b
      License: ISC

      Files: c
      Copyright: c
      License: Expat or GPL-2+

      License: Zlib
       This paragraph only gives a text.
      """
    let license = PackageLicense(copyright: Array(file.utf8), package: "sample")
    #expect(license?.expression?.text == "(GPL-2.0-or-later OR MIT) AND ISC")
  }

  @Test("what the SPDX list lacks is quoted, with its empty lines, and named by its text")
  func extracted() throws {
    let one = try #require(license("Own+terms", text: " First line.\n .\n  Indented.").map { $0 })
    let quoted = try #require(one.extracted.first)
    #expect(one.extracted.count == 1)
    #expect(quoted.name == "Own+terms")
    #expect(quoted.text == "First line.\n\n Indented.")
    #expect(quoted.identifier.hasPrefix("LicenseRef-Own-terms-"))
    #expect(one.expression?.text == quoted.identifier)
    let other = try #require(license("Own+terms", text: " Another text."))
    #expect(other.extracted.first?.identifier != quoted.identifier)
    let again = try #require(license("Own+terms", text: " First line.\n .\n  Indented."))
    #expect(again == one)
  }

  @Test("a text in a paragraph of its own is found; a name without any text says so")
  func texts() throws {
    let file = """
      Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

      Files: *
      Copyright: a
      License: Mine and Yours

      License: mine
       Do as I like.
      """
    let license = try #require(PackageLicense(copyright: Array(file.utf8), package: "sample"))
    #expect(license.extracted.map(\.name) == ["Mine", "Yours"])
    #expect(license.extracted.first?.text == "Do as I like.")
    #expect(license.extracted.last?.text.contains("does not quote it") == true)
  }

  @Test("free text, broken paragraphs and no bytes at all are no machine-readable file")
  func notMachineReadable() {
    let texts = [
      "", "This is the Debian prepackaged version of something.\n",
      "Format: of my own\n\nFiles: *\nLicense: GPL-2\n",
      "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\nno field\n",
    ]
    for text in texts { #expect(PackageLicense(copyright: Array(text.utf8), package: "x") == nil) }
    let unnamed = "Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n"
    #expect(PackageLicense(copyright: Array(unnamed.utf8), package: "x")?.expression == nil)
  }
}
