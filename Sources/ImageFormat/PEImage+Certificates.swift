package import Bytes

extension PEImage {
  /// An entry of the attribute certificate table (`WIN_CERTIFICATE`; Microsoft, "PE Format"; UEFI 2.10, section
  /// 32.2.4):
  ///
  ///     dwLength, 4 │ wRevision, 2 │ wCertificateType, 2 │ bCertificate, dwLength - 8 │ zeros up to a multiple of 8
  package struct Certificate: Sendable, Equatable {
    /// `WIN_CERT_TYPE_PKCS_SIGNED_DATA`: an Authenticode signature.
    package static let signedData: UInt16 = 0x0002
    static let revision: UInt16 = 0x0200
    static let headerSize = 8
    /// The table's entries begin at multiples of this.
    static let alignment = 8

    package let type: UInt16
    /// The bytes behind the header.
    package let content: [UInt8]

    package init(type: UInt16 = signedData, content: [UInt8]) {
      self.type = type
      self.content = content
    }
  }

  /// More than any signed program has.
  package static let maximumCertificates = 16
  /// The largest table that is read, in bytes.
  package static let maximumCertificateTableSize = 1 << 20

  /// The entries of the attribute certificate table, in its order; none for an unsigned file.
  /// - Throws: `corrupt` or `truncated` for a table that does not add up, `tooLarge` beyond 16 entries or 1 MiB.
  package func certificateEntries() throws(ImageFormatError) -> [Certificate] {
    guard certificates.count <= Self.maximumCertificateTableSize else {
      throw ImageFormatError(
        .tooLarge, "the PE file's certificate table has \(certificates.count) bytes: at most 1 MiB are read")
    }
    guard certificates.isEmpty || certificates.lowerBound % Certificate.alignment == 0 else {
      throw ImageFormatError(
        .corrupt, "the PE file's certificate table begins at \(certificates.lowerBound), no multiple of 8")
    }
    var reader = ByteReader(file.slice(certificates).flattened())
    var entries: [Certificate] = []
    do {
      while reader.remaining > 0 {
        guard entries.count < Self.maximumCertificates else {
          throw ImageFormatError(
            .tooLarge, "the PE file has more than \(Self.maximumCertificates) signatures")
        }
        let size = Int(try reader.littleEndian(UInt32.self, "dwLength"))
        let revision = try reader.littleEndian(UInt16.self, "wRevision")
        let type = try reader.littleEndian(UInt16.self, "wCertificateType")
        guard size > Certificate.headerSize, revision == Certificate.revision else {
          throw ImageFormatError(
            .corrupt,
            "the PE file's certificate \(entries.count + 1) has \(size) bytes and revision \(revision)")
        }
        let content = Array(try reader.read(size - Certificate.headerSize, "bCertificate"))
        // The last one's padding may be missing.
        _ = try reader.read(min(reader.remaining, aligned(size, to: Certificate.alignment) - size), "padding")
        entries.append(Certificate(type: type, content: content))
      }
    } catch let error as ImageFormatError {
      throw error
    } catch {
      throw ImageFormatError(.truncated, "the PE file's certificate table ends early: \(error)")
    }
    return entries
  }

  /// The same program with these entries instead of its own, and a CheckSum. All other bytes stay what they are.
  /// Without entries, CheckSum and directory entry are 0: what `UnifiedKernelImage` writes.
  ///
  /// - Throws: `unsupported` if the present table is not at the file's end, `tooLarge` beyond 4 GiB, 16 entries or
  ///   1 MiB of them.
  package func replacingCertificates(_ entries: [Certificate]) throws(ImageFormatError) -> ByteRope {
    guard certificates.upperBound == file.count else {
      throw ImageFormatError(.unsupported, "the PE file's certificate table is not at its end")
    }
    var table = ByteWriter()
    for entry in entries {
      table.littleEndian(UInt32(truncatingIfNeeded: Certificate.headerSize + entry.content.count))
      table.littleEndian(Certificate.revision)
      table.littleEndian(entry.type)
      table.append(entry.content)
      table.align(to: Certificate.alignment)
    }
    let start = aligned(certificates.lowerBound, to: Certificate.alignment)
    guard entries.count <= Self.maximumCertificates, table.count <= Self.maximumCertificateTableSize,
      UInt32(exactly: start + table.count) != nil
    else {
      throw ImageFormatError(.tooLarge, "the PE file would have more signatures than it can hold")
    }
    var header = file.slice(0..<headers.sizeOfHeaders).flattened()
    let checkSum = headers.optionalOffset + PEHeaders.Optional.checkSum
    let directory = headers.optionalOffset + PEHeaders.Optional.certificates
    header.store(UInt32(0), at: checkSum)
    header.store(UInt32(entries.isEmpty ? 0 : start), at: directory)
    header.store(UInt32(table.count), at: directory + 4)
    func assemble() -> ByteRope {
      var result = ByteRope(header)
      result.append(file.slice(headers.sizeOfHeaders..<certificates.lowerBound))
      result.align(to: Certificate.alignment)
      result.append(table.bytes)
      return result
    }
    guard !entries.isEmpty else { return assemble() }
    header.store(assemble().peCheckSum, at: checkSum)
    return assemble()
  }

  /// Whether `other` is this program but for CheckSum and signatures.
  package func isSameProgram(as other: PEImage) -> Bool {
    guard let left = try? replacingCertificates([]), let right = try? other.replacingCertificates([]) else {
      return false
    }
    return left.count == right.count && left.digest == right.digest
  }
}

extension ByteRope {
  /// The checksum of a PE file whose CheckSum field is 0, as `CheckSumMappedFile` computes it: the sum of 16-bit words,
  /// carries added back, plus the file's length.
  var peCheckSum: UInt32 {
    var sum: UInt64 = 0
    // A byte at an odd place of the file is the high half of its word, wherever its chunk begins.
    var isHigh = false
    for chunk in chunks {
      chunk.withUnsafeBytes { bytes in
        var position = 0
        if isHigh {
          sum += UInt64(bytes[0]) << 8
          position = 1
        }
        // 32 bits at a time: folding makes it the same sum.
        while position + 4 <= bytes.count {
          sum += UInt64(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: UInt32.self)))
          position += 4
        }
        var shift: UInt64 = 0
        while position < bytes.count {
          sum += UInt64(bytes[position]) << shift
          shift ^= 8
          position += 1
        }
      }
      if chunk.count % 2 == 1 { isHigh.toggle() }
    }
    while sum > 0xFFFF { sum = sum >> 16 + sum & 0xFFFF }
    return UInt32(truncatingIfNeeded: sum) &+ UInt32(truncatingIfNeeded: count)
  }
}
