package import Bytes

/// An EFI program: a PE32+ file (Microsoft, "PE Format"), read with every offset checked.
package struct PEImage: Sendable {
  /// A section of the file.
  package struct Section: Sendable, Equatable {
    /// At most 8 bytes.
    package let name: String
    /// The place in memory, relative to the image's base.
    package let virtualAddress: UInt32
    /// The length in memory: beyond the file's bytes it is zeros.
    package let virtualSize: UInt32
    /// The place in the file, padded to the file's alignment; empty for a section without bytes in the file.
    package let fileRange: Range<Int>
    /// The flags `IMAGE_SCN_*`.
    package let characteristics: UInt32
  }

  /// The whole file.
  package let file: ByteRope
  let headers: PEHeaders

  /// The sections in the order of the table; at most 96, rising and not overlapping in memory.
  package var sections: [Section] { headers.sections }
  /// The processor, `IMAGE_FILE_MACHINE_*`: 0x8664 for x86-64, 0xAA64 for ARM64.
  package var machine: UInt16 { headers.machine }
  /// Where in the file the attribute certificate table is: empty for an unsigned file.
  package var certificates: Range<Int> { headers.certificates }

  /// Parses the headers.
  /// - Throws: `truncated`, `corrupt`, `unsupported` (not PE32+) or `tooLarge` (more than 96 sections).
  package init(_ file: ByteRope) throws(ImageFormatError) {
    self.file = file
    let header = file.slice(0..<min(file.count, PEHeaders.maximumSize)).flattened()
    headers = try PEHeaders(header, fileSize: file.count)
  }

  /// The first section with that name, as the EFI stub would find it.
  package func section(named name: String) -> Section? {
    sections.first { $0.name == name }
  }

  /// A section's bytes as they are in memory: `virtualSize` of them.
  package func contents(of section: Section) -> ByteRope {
    let size = Int(section.virtualSize)
    let stored = min(size, section.fileRange.count)
    var rope = file.slice(section.fileRange.lowerBound..<section.fileRange.lowerBound + stored)
    rope.appendZeros(size - stored)
    return rope
  }

  /// The digest that a Secure Boot signature signs (Microsoft, "Windows Authenticode Portable Executable
  /// Signature Format", "Calculating the PE image hash"): everything but the checksum, the certificate table
  /// and its directory entry, with zeros up to a multiple of 8 as signing tools append them.
  ///
  /// - Throws: `unsupported` for a file whose sections leave gaps or overlap in the file: tools differ on those.
  package func authenticodeDigest() throws(ImageFormatError) -> SHA256Digest {
    var end = headers.sizeOfHeaders
    let ranges = sections.map(\.fileRange).filter { !$0.isEmpty }
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      guard range.lowerBound == end else {
        throw ImageFormatError(
          .unsupported, "the PE file's sections are not consecutive at \(end): signers disagree on its digest"
        )
      }
      end = range.upperBound
    }
    guard certificates.lowerBound >= end, certificates.upperBound == file.count else {
      throw ImageFormatError(.unsupported, "the PE file's certificate table is not at its end")
    }
    // Consecutive sections and what follows them: one run of bytes, with two holes in the headers.
    let checkSum = headers.optionalOffset + PEHeaders.Optional.checkSum
    let directory = headers.optionalOffset + PEHeaders.Optional.certificates
    var hash = SHA256()
    for range in [0..<checkSum, checkSum + 4..<directory, directory + 8..<certificates.lowerBound] {
      for chunk in file.slice(range).chunks { hash.update(chunk) }
    }
    let excess = certificates.lowerBound % 8
    if excess != 0 { hash.update([UInt8](repeating: 0, count: 8 - excess)) }
    return hash.finish()
  }
}
