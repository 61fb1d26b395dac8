package import Bytes

/// The value of TPM PCR 11 (SHA-256 bank) after systemd's EFI stub has measured a unified kernel image
/// (systemd-stub(7), "TPM PCR Notes"; behaviour of systemd 257).
///
/// For each section that it knows, in its own fixed order whatever the file's, the stub extends PCR 11 by the
/// name with a final NUL, then by the section's bytes in memory. That includes the stub's own `.sbat`.
package enum PCR11 {
  /// What the stub measures, in its order. `.pcrsig` is known but not measured: it signs the result.
  package static let measuredSections = [
    ".linux", ".osrel", ".cmdline", ".initrd", ".ucode", ".splash", ".dtb", ".uname", ".sbat", ".pcrpkey",
    ".profile", ".dtbauto", ".hwids",
  ]

  /// The boot phases that systemd-pcrphase appends one after the other, on systems that run it.
  package static let phases = ["enter-initrd", "leave-initrd", "sysinit", "ready"]

  /// The value for the sections of an image that is yet to be assembled; those that the stub does not measure
  /// and empty ones do not count. The stub's own `.sbat` must be among them.
  /// - Throws: `duplicate` for a section that is there twice.
  package static func expected(
    sections: [(name: String, content: ByteRope)]
  ) throws(ImageFormatError) -> SHA256Digest {
    var contents: [String: ByteRope] = [:]
    for (name, content) in sections {
      guard contents[name] == nil else {
        throw ImageFormatError(
          .duplicate, "section \(name) is there twice: the stub would measure one of them")
      }
      var padded = content
      padded.appendZeros(UnifiedKernelImage.virtualSize(of: name, content) - content.count)
      contents[name] = padded
    }
    return expected { contents[$0] }
  }

  /// The value for an assembled image, its stub's sections included.
  package static func expected(of image: PEImage) -> SHA256Digest {
    expected { name in image.section(named: name).map { image.contents(of: $0) } }
  }

  /// The value after a boot phase, such as `enter-initrd`, has been measured on top.
  package static func extend(_ value: SHA256Digest, phase: String) -> SHA256Digest {
    extend(value.bytes, by: SHA256.digest(of: [UInt8](phase.utf8)))
  }

  private static func expected(_ content: (String) -> ByteRope?) -> SHA256Digest {
    var value = [UInt8](repeating: 0, count: SHA256Digest.byteCount)
    for name in measuredSections {
      guard let content = content(name), content.count > 0 else { continue }
      value = extend(value, by: SHA256.digest(of: [UInt8](name.utf8) + [0])).bytes
      value = extend(value, by: content.digest).bytes
    }
    guard let digest = SHA256Digest(value) else { preconditionFailure("SHA-256 is 32 bytes") }
    return digest
  }

  /// TPM2_PCR_Extend (TPM 2.0 Library, part 3): the digest of the old value followed by the event's digest.
  private static func extend(_ value: [UInt8], by event: SHA256Digest) -> SHA256Digest {
    SHA256.digest(of: value + event.bytes)
  }
}
