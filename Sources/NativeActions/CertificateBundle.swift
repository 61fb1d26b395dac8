internal import Bytes
internal import CLibcrypto

/// The certificate authorities that programs trust: what `update-ca-certificates` puts into `/etc/ssl/certs`.
package struct CertificateBundle: Sendable {
  /// A certificate file of the image.
  package struct Source: Sendable {
    /// The absolute path, such as `/usr/share/ca-certificates/mozilla/ISRG_Root_X1.crt`.
    package let path: String
    /// PEM text with exactly one certificate (RFC 7468).
    package let pem: [UInt8]

    /// The file's path in the image, and its bytes, which nobody has looked at yet.
    package init(path: String, pem: [UInt8]) {
      self.path = path
      self.pem = pem
    }
  }

  /// A symbolic link in `/etc/ssl/certs`.
  package struct Link: Hashable, Sendable {
    /// A file name: `NAME.pem`, or the hash of the subject and a number, as OpenSSL looks it up.
    package let name: String
    /// The certificate's absolute path, or the name of a link beside it.
    package let target: String
  }

  /// `ca-certificates.crt`: all certificates as PEM, in the order of their paths' bytes.
  package let text: [UInt8]
  /// Sorted by name.
  package let links: [Link]

  /// Root certificates are 1 to 3 KB.
  private static let largestFile = 1 << 20

  /// Reads every certificate, so that nothing gets into the bundle that is none. What surrounds the certificate in its
  /// file stays behind. `malformed`, with the path, for a file without exactly one whole certificate; `conflict` for
  /// two files that would have one link's name; `limitExceeded` for files above 1 MiB.
  package init(_ sources: [Source]) throws(NativeActionError) {
    var text: [UInt8] = []
    var links: [Link] = []
    var certificates: [(name: String, der: [UInt8], hash: UInt32)] = []
    var owners: [ExactString: String] = [:]
    for source in sources.sorted(by: { precedesBytewise($0.path, $1.path) }) {
      guard source.pem.count <= Self.largestFile else {
        throw NativeActionError(
          .limitExceeded, at: source.path, "a certificate file of \(source.pem.count) bytes; leave it out")
      }
      let der = try PEMCertificate.decode(source.pem, path: source.path)
      let hash = try Self.subjectHash(der, path: source.path)
      text += PEMCertificate.encode(der)
      let name = Self.linkName(source.path)
      if let other = owners.updateValue(source.path, forKey: ExactString(name)) {
        throw NativeActionError(
          .conflict, at: source.path, "the link \(name) is that of \(other) already; rename one of the files")
      }
      links.append(Link(name: name, target: source.path))
      certificates.append((name, der, hash))
    }
    self.text = text
    self.links = (links + Self.hashLinks(certificates)).sorted { precedesBytewise($0.name, $1.name) }
  }

  /// `openssl rehash`: files by name; a certificate that is there already gets no second number.
  private static func hashLinks(_ certificates: [(name: String, der: [UInt8], hash: UInt32)]) -> [Link] {
    var seen: [UInt32: [[UInt8]]] = [:]
    var links: [Link] = []
    for (name, der, hash) in certificates.sorted(by: { precedesBytewise($0.name, $1.name) }) {
      let others = seen[hash, default: []]
      if others.contains(der) { continue }
      let digits = String(hash, radix: 16)
      let padding = String(repeating: "0", count: 8 - digits.utf8.count)
      links.append(Link(name: "\(padding)\(digits).\(others.count)", target: name))
      seen[hash] = others + [der]
    }
    return links
  }

  /// The file's name with `.pem` for `.crt`, and without the characters that `update-ca-certificates` replaces.
  private static func linkName(_ path: String) -> String {
    let name = path.split(separator: "/").last.map(String.init) ?? ""
    let stem = name.hasSuffix(".crt") && name.utf8.count > 4 ? String(name.dropLast(4)) : name
    let mapped = stem.utf8.map { byte in
      switch byte {
      case UInt8(ascii: " "), UInt8(ascii: ","): UInt8(ascii: "_")
      case UInt8(ascii: "("), UInt8(ascii: ")"): UInt8(ascii: "=")
      default: byte
      }
    }
    return String(decoding: mapped, as: UTF8.self) + ".pem"
  }

  /// The hash of the subject's canonical encoding, by libcrypto, because every OpenSSL program must find it.
  private static func subjectHash(_ der: [UInt8], path: String) throws(NativeActionError) -> UInt32 {
    let hash: UInt32? = der.withUnsafeBufferPointer { buffer in
      var cursor = buffer.baseAddress
      guard let certificate = d2i_X509(nil, &cursor, buffer.count) else { return nil }
      defer { X509_free(certificate) }
      guard cursor == buffer.baseAddress.map({ $0 + buffer.count }) else { return nil }
      return UInt32(truncatingIfNeeded: X509_subject_name_hash(certificate))
    }
    // The library queues what it found; nobody will ask.
    ERR_clear_error()
    guard let hash else {
      throw NativeActionError(
        .malformed, at: path, "the PEM block holds no X.509 certificate, or more than one; leave the file out"
      )
    }
    return hash
  }
}

/// The textual encoding of a certificate (RFC 7468).
enum PEMCertificate {
  private static let begin = [UInt8]("-----BEGIN CERTIFICATE-----".utf8)
  private static let end = [UInt8]("-----END CERTIFICATE-----".utf8)
  private static let anyBegin = [UInt8]("-----BEGIN".utf8)

  /// The DER bytes of the only block; explanatory text around it is allowed, a second block of any kind is not.
  static func decode(_ pem: [UInt8], path: String) throws(NativeActionError) -> [UInt8] {
    func malformed(_ reason: String) -> NativeActionError {
      NativeActionError(.malformed, at: path, "not one PEM certificate: \(reason); leave the file out")
    }
    let lines = pem.split(omittingEmptySubsequences: false) { $0 == 0x0A }.map(\.trimmed)
    let starts = lines.indices.filter { lines[$0].starts(with: anyBegin) }
    guard starts.count == 1, let first = starts.first, lines[first].elementsEqual(begin) else {
      throw malformed(starts.isEmpty ? "it has no BEGIN line" : "it has another or more than one BEGIN line")
    }
    guard let last = lines[first...].firstIndex(where: { $0.elementsEqual(end) }) else {
      throw malformed("it has no END line")
    }
    guard let der = Base64.decode(lines[(first + 1)..<last].flatMap { $0 }), !der.isEmpty else {
      throw malformed("its body is not Base64")
    }
    return der
  }

  /// 64 digits a line.
  static func encode(_ der: [UInt8]) -> [UInt8] {
    let digits = Base64.encode(der)
    var text = begin + [0x0A]
    for start in stride(from: 0, to: digits.count, by: 64) {
      text += digits[start..<min(start + 64, digits.count)] + [0x0A]
    }
    return text + end + [0x0A]
  }
}
