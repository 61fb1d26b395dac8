package import Bytes
internal import CLibcrypto
package import Signing

/// The digests of a file as metadata list them (specification 4.4, HASHES): at least one of SHA-256, SHA-384
/// and SHA-512, all of which must fit. Those of other algorithms are kept, and count for nothing.
package struct ContentDigests: Hashable, Sendable {
  /// An algorithm that a repository may be trusted with.
  package enum Algorithm: String, Sendable, CaseIterable {
    case sha256, sha384, sha512

    /// Length in bytes.
    var byteCount: Int {
      switch self {
      case .sha256: 32
      case .sha384: 48
      case .sha512: 64
      }
    }

    fileprivate var method: OpaquePointer? {
      switch self {
      case .sha256: EVP_sha256()
      case .sha384: EVP_sha384()
      case .sha512: EVP_sha512()
      }
    }
  }

  /// The names of algorithms and the digests in hexadecimal, in the order of the metadata.
  package let entries: [JSONMember]

  /// The digest of SHA-256 alone.
  package init(sha256: SHA256Digest) {
    entries = [JSONMember(Algorithm.sha256.rawValue, .string(sha256.hex))]
  }

  /// - Throws: `malformed` where a digest of a known algorithm is not that.
  init(_ value: JSONValue, at place: String) throws(UpdateError) {
    guard let members = value.members, !members.isEmpty else {
      throw UpdateError(.malformed, "\(place) must be an object with at least one digest")
    }
    for member in members {
      let text = member.value.text
      let length = Algorithm(rawValue: member.name).map(\.byteCount)
      guard let text, length == nil || (Hex.decode(text)?.count == length && text == text.lowercased()) else {
        throw UpdateError(
          .malformed, "\(place).\(UpdateError.printable(member.name)) must be a digest in hexadecimal")
      }
    }
    entries = members
  }

  /// The digest of an algorithm in lower-case hexadecimal.
  package subscript(_ algorithm: Algorithm) -> String? {
    entries.first { $0.name == algorithm.rawValue }?.value.text
  }

  /// SHA-256, where it is listed.
  package var sha256: SHA256Digest? { self[.sha256].flatMap { SHA256Digest(hex: $0) } }

  /// The digest that stands in front of a target's file name (specification 6.2); `nil` if no algorithm is
  /// known.
  package var fileNamePrefix: String? {
    Algorithm.allCases.lazy.compactMap { self[$0] }.first
  }

  var json: JSONValue { .sorted(entries) }

  /// Whether the bytes have all digests whose algorithms are known, and there is one.
  package func fit(_ bytes: [UInt8]) -> Bool {
    var check = DigestCheck(self)
    bytes.withUnsafeBytes { check.update($0) }
    return check.finish()
  }
}

/// Compares bytes with their digests while they pass by.
struct DigestCheck: ~Copyable {
  private var contexts: [(OpaquePointer, ContentDigests.Algorithm, String)] = []

  init(_ digests: ContentDigests) {
    for algorithm in ContentDigests.Algorithm.allCases {
      guard let expected = digests[algorithm], let context = EVP_MD_CTX_new() else { continue }
      EVP_DigestInit_ex(context, algorithm.method, nil)
      contexts.append((context, algorithm, expected))
    }
  }

  deinit { for (context, _, _) in contexts { EVP_MD_CTX_free(context) } }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    for (context, _, _) in contexts { EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) }
  }

  /// Whether everything fits; `false` without a known algorithm.
  mutating func finish() -> Bool {
    var fits = !contexts.isEmpty
    for (context, algorithm, expected) in contexts {
      var digest = [UInt8](repeating: 0, count: algorithm.byteCount)
      let isDone = EVP_DigestFinal_ex(context, &digest, nil) == 1
      fits = fits && isDone && Hex.encode(digest) == expected
    }
    return fits
  }
}
