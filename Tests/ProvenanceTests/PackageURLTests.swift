import Provenance
import TestSupport
import Testing

@Suite("package URLs and dependencies")
struct PackageURLTests {
  private static let samples = [
    ("libc6", "2.41-12+deb13u1", "amd64", "debian-13"), ("libstdc++6", "14.2.0-19", "amd64", "debian-13"),
    ("libaudit1", "1:4.0.2-2", "amd64", ""), ("zlib1g", "1:1.3.dfsg+really1.3.1-1~x", "all", "debian-13"),
  ]

  @Test("reserved characters are encoded, colons and tildes are not")
  func encoding() {
    #expect(
      PackageURL.debian(
        name: "libstdc++6", version: "1:14.2~rc1+b1", architecture: "amd64", distribution: "debian-13")
        == "pkg:deb/debian/libstdc%2B%2B6@1:14.2~rc1%2Bb1?arch=amd64&distro=debian-13")
    #expect(
      PackageURL.debian(name: "a", version: "1", architecture: "all", distribution: "")
        == "pkg:deb/debian/a@1?arch=all")
  }

  @Test(
    "the reference implementation reads back what went in",
    .enabled(if: hasPythonModule("packageurl"), "packageurl-python is missing: pip install packageurl-python")
  )
  func foreign() throws {
    let script = """
      import sys
      from packageurl import PackageURL
      for line in sys.stdin:
          u = PackageURL.from_string(line.strip())
          print(u.type, u.namespace, u.name, u.version, u.qualifiers.get("arch"), u.qualifiers.get("distro", ""))
      """
    let urls = Self.samples.map {
      PackageURL.debian(name: $0.0, version: $0.1, architecture: $0.2, distribution: $0.3) + "\n"
    }
    let result = try run([testPython, "-c", script], input: Array(urls.joined().utf8))
    #expect(result.status == 0, "\(result.errorText)")
    let expected = Self.samples.map { "deb debian \($0.0) \($0.1) \($0.2) \($0.3)" }
    #expect(
      result.text.split(separator: "\n").map { String($0) }
        == expected.map { $0.hasSuffix(" ") ? $0 : $0 })
  }

  @Test("clauses without versions, architectures and qualifiers")
  func clauses() {
    #expect(
      DependencyField.clauses("libc6 (>= 2.38), a | b:any [amd64],\n c <!nocheck>, , d(=1)")
        == [["libc6"], ["a", "b"], ["c"], ["d"]])
    #expect(DependencyField.clauses("") == [])
  }

  @Test("the first alternative that is there counts, then what provides one; what is absent is left out")
  func resolving() {
    let packages: Set<String> = ["b", "libc6", "awk-x"]
    let providers = ["awk": ["awk-x", "awk-y"]]
    #expect(
      DependencyField.resolve("a | b, libc6, awk, gone, libc6", packages: packages, providers: providers)
        == ["awk-x", "b", "libc6"])
  }
}
