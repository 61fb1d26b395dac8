internal import NativeActions

extension RootTree {
  /// Makes the bundle and the links of certificate authorities that ca-certificates' script would make, from what its
  /// package (all of it, as the package's default is) and `/usr/local/share` ship.
  mutating func addCertificates() throws {
    var sources: [CertificateBundle.Source] = []
    for directory in ["usr/share/ca-certificates", "usr/local/share/ca-certificates"] {
      for path in paths(below: directory) where path.hasSuffix(".crt") {
        guard let pem = self[path]?.bytes else { continue }
        sources.append(CertificateBundle.Source(path: "/\(path)", pem: pem))
      }
    }
    guard !sources.isEmpty else { return }
    let bundle = try CertificateBundle(sources)
    putFile("etc/ssl/certs/ca-certificates.crt", bundle.text)
    for link in bundle.links { putLink("etc/ssl/certs/\(link.name)", to: link.target) }
  }
}
