internal import Bytes
internal import CLibcrypto

/// An EFI_GUID (UEFI 2.10, appendix A): written with its first three fields least significant byte first.
package struct EFIGUID: Hashable, Sendable {
  /// As in memory and on disk.
  let bytes: [UInt8]

  /// Reads `xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx`, either case. Throws `malformed`.
  package init(_ text: String) throws(SecureBootError) {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.map(\.utf8.count) == [8, 4, 4, 4, 12], let fields = Hex.decode(parts.joined()) else {
      throw SecureBootError(
        .malformed,
        "'\(text.prefix(64))' is no GUID: it looks like 8be4df61-93ca-11d2-aa0d-00e098032b8c")
    }
    bytes = fields[..<4].reversed() + fields[4..<6].reversed() + fields[6..<8].reversed() + fields[8...]
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  /// A random one (RFC 9562, version 4). Throws `system`.
  package static func random() throws(SecureBootError) -> EFIGUID {
    var bytes = [UInt8](repeating: 0, count: 16)
    guard RAND_bytes(&bytes, 16) == 1 else {
      throw SecureBootError(.system, "libcrypto has no random bytes")
    }
    bytes[7] = bytes[7] & 0x0F | 0x40
    bytes[8] = bytes[8] & 0x3F | 0x80
    return EFIGUID(bytes: bytes)
  }

  /// The constants of the specification, which are well-formed.
  private init(constant: String) {
    do { try self.init(constant) } catch { preconditionFailure("\(error)") }
  }

  /// EFI_GLOBAL_VARIABLE, the vendor of PK and KEK (UEFI 2.10, section 3.3).
  static let globalVariable = EFIGUID(constant: "8be4df61-93ca-11d2-aa0d-00e098032b8c")
  /// EFI_IMAGE_SECURITY_DATABASE_GUID, the vendor of db and dbx (section 32.6.1).
  static let imageSecurityDatabase = EFIGUID(constant: "d719b2cb-3d3a-4596-a3bc-dad00e67656f")
  /// EFI_CERT_X509_GUID (section 32.4.1).
  static let certificateX509 = EFIGUID(constant: "a5c059a1-94e4-4aa7-87b5-ab155c2bf072")
  /// EFI_CERT_TYPE_PKCS7_GUID (section 32.2.4).
  static let certificateTypePKCS7 = EFIGUID(constant: "4aafd29d-68df-49ee-8aa9-347d375665a7")
}

extension EFIGUID: CustomStringConvertible {
  /// Lower case, with hyphens.
  package var description: String {
    let fields = [
      bytes[..<4].reversed(), bytes[4..<6].reversed(), bytes[6..<8].reversed(), Array(bytes[8..<10]),
      Array(bytes[10...]),
    ]
    return fields.map { Hex.encode($0) }.joined(separator: "-")
  }
}
