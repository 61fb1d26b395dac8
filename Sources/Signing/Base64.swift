internal import CLibsodium

/// Base64 with padding (RFC 4648, sections 4 and 5), strict: no white space, no left-over bits.
package enum Base64 {
  /// Without line breaks.
  package static func encode(_ bytes: [UInt8]) -> String {
    bytes.withUnsafeBytes { encode($0) }
  }

  /// libsodium's encoder takes no secret-dependent branch and no secret-dependent index.
  static func encode(_ bytes: UnsafeRawBufferPointer) -> String {
    let capacity = sodium_base64_encoded_len(bytes.count, sodium_base64_VARIANT_ORIGINAL)
    return String(unsafeUninitializedCapacity: capacity) { buffer in
      buffer.withMemoryRebound(to: CChar.self) { text in
        guard let output = text.baseAddress else { return 0 }
        _ = sodium_bin2base64(
          output, capacity, bytes.assumingMemoryBound(to: UInt8.self).baseAddress, bytes.count,
          sodium_base64_VARIANT_ORIGINAL)
        // Without the zero at the end.
        return capacity - 1
      }
    }
  }

  /// `nil` unless the text is canonical base64 of either alphabet (not a mix of them).
  package static func decode(_ text: String) -> [UInt8]? {
    decode(text, sodium_base64_VARIANT_ORIGINAL) ?? decode(text, sodium_base64_VARIANT_URLSAFE)
  }

  private static func decode(_ text: String, _ variant: Int32) -> [UInt8]? {
    let characters = Array(text.utf8CString.dropLast())
    var written = 0
    var failed = false
    let bytes = [UInt8](unsafeUninitializedCapacity: characters.count / 4 * 3 + 3) { buffer, count in
      guard let output = buffer.baseAddress else { return }
      failed =
        sodium_base642bin(
          output, buffer.count, characters, characters.count, nil, &written, nil, variant) != 0
      count = failed ? 0 : written
    }
    return failed ? nil : bytes
  }
}
