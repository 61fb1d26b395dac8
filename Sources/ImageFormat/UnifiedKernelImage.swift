package import Bytes

/// A unified kernel image: systemd's EFI stub with kernel, initrd, command line and more as sections
/// (UAPI Group specification 5, "Unified Kernel Image").
package enum UnifiedKernelImage {
  /// Changes whenever the same stub and sections would give other bytes.
  package static let formatVersion = 1
  /// `IMAGE_SCN_MEM_READ`, with `IMAGE_SCN_CNT_CODE` or `_INITIALIZED_DATA`: nothing is executed or written in
  /// place.
  private static let code: UInt32 = 0x4000_0020
  private static let data: UInt32 = 0x4000_0040

  /// Appends sections to a stub, in the order given, at aligned places behind the stub's own.
  ///
  /// The same input gives the same bytes. What the stub has behind its last section (a symbol table) is left
  /// out, so that the file has no gaps and every tool agrees on its Authenticode digest. CheckSum is 0, which
  /// firmware ignores.
  /// - Parameters:
  ///   - stub: `linuxx64.efi.stub` or its like, unsigned.
  ///   - sections: Names of 1 to 8 bytes of ASCII such as `.linux`, not among the stub's own, and contents of 1
  ///     byte or more, which are shared, not copied.
  /// - Throws: `truncated`, `corrupt`, `unsupported` for the stub; `duplicate`, `invalidEntry` or `tooLarge` for
  ///   the sections.
  package static func assemble(
    stub: [UInt8], sections: [(name: String, content: ByteRope)]
  ) throws(ImageFormatError) -> ByteRope {
    let image = try PEImage(ByteRope(stub))
    let headers = image.headers
    guard headers.certificates.isEmpty else {
      throw ImageFormatError(.unsupported, "the EFI stub is signed: give the unsigned one, sign the result")
    }
    try checkNames(sections, image)
    let tableEnd = headers.sectionTableEnd + sections.count * PEHeaders.sectionHeaderSize
    let firstData = headers.sections.map(\.fileRange).filter { !$0.isEmpty }.map(\.lowerBound).min()
    let room = min(headers.sizeOfHeaders, firstData ?? headers.sizeOfHeaders)
    guard tableEnd <= room, stub[headers.sectionTableEnd..<tableEnd].allSatisfy({ $0 == 0 }) else {
      throw ImageFormatError(
        .tooLarge, "the EFI stub's headers have no room for \(sections.count) sections: use a newer stub")
    }

    let stubEnd = headers.sections.map(\.fileRange.upperBound).max() ?? 0
    var start = Array(stub[..<max(stubEnd, headers.sizeOfHeaders)])
    var layout = Layout(headers, fileEnd: start.count)
    var appended: [Placed] = []
    for section in sections { appended.append(try layout.place(section.name, section.content)) }

    for (index, section) in appended.enumerated() {
      let offset = headers.sectionTableEnd + index * PEHeaders.sectionHeaderSize
      start.store(section.name.utf8, at: offset)
      start.store(section.virtualSize, at: offset + 8)
      start.store(section.virtualAddress, at: offset + 12)
      start.store(section.rawSize, at: offset + 16)
      start.store(section.rawOffset, at: offset + 20)
      start.store(section.name == ".linux" ? code : data, at: offset + 36)
    }
    let coff = headers.coffOffset
    let optional = headers.optionalOffset
    start.store(UInt16(headers.sectionCount + sections.count), at: coff + PEHeaders.COFF.sectionCount)
    start.store(UInt32(0), at: coff + PEHeaders.COFF.symbolTable)
    start.store(UInt32(0), at: coff + PEHeaders.COFF.symbolCount)
    start.store(layout.sizeOfCode, at: optional + PEHeaders.Optional.sizeOfCode)
    start.store(layout.sizeOfData, at: optional + PEHeaders.Optional.sizeOfInitializedData)
    start.store(layout.sizeOfImage, at: optional + PEHeaders.Optional.sizeOfImage)
    start.store(UInt32(0), at: optional + PEHeaders.Optional.checkSum)

    var file = ByteRope(start)
    file.align(to: Int(headers.fileAlignment))
    for section in sections {
      file.append(section.content)
      file.align(to: Int(headers.fileAlignment))
    }
    return file
  }

  /// How long a section is in memory. A kernel that runs in place needs its own SizeOfImage there (as ukify and
  /// systemd-measure have it); the stub measures all of it.
  package static func virtualSize(of name: String, _ content: ByteRope) -> Int {
    guard name == ".linux", let kernel = try? PEImage(content) else { return content.count }
    return max(content.count, Int(kernel.headers.sizeOfImage))
  }

  private static func checkNames(
    _ sections: [(name: String, content: ByteRope)], _ image: PEImage
  ) throws(ImageFormatError) {
    var names = Set(image.sections.map(\.name))
    for (name, content) in sections {
      guard (1...8).contains(name.utf8.count), name.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else {
        throw ImageFormatError(.invalidEntry, "the section name \"\(name)\" must be 1 to 8 bytes of ASCII")
      }
      guard content.count > 0 else {
        throw ImageFormatError(.invalidEntry, "section \(name) is empty: leave it out")
      }
      guard names.insert(name).inserted else {
        throw ImageFormatError(
          .duplicate, "section \(name) is there twice, or the stub has its own: drop one")
      }
    }
  }

  private struct Placed {
    let name: String
    let virtualAddress: UInt32
    let virtualSize: UInt32
    let rawOffset: UInt32
    let rawSize: UInt32
  }

  /// The ends of file and memory while sections are appended.
  private struct Layout {
    private let fileAlignment: Int
    private let sectionAlignment: Int
    private var fileEnd: Int
    private var memoryEnd: Int
    private(set) var sizeOfCode: UInt32
    private(set) var sizeOfData: UInt32

    init(_ headers: PEHeaders, fileEnd: Int) {
      fileAlignment = Int(headers.fileAlignment)
      sectionAlignment = Int(headers.sectionAlignment)
      self.fileEnd = aligned(fileEnd, to: fileAlignment)
      memoryEnd = headers.sections.map { Int($0.virtualAddress) + Int($0.virtualSize) }.max() ?? 0
      memoryEnd = max(memoryEnd, headers.sizeOfHeaders)
      sizeOfCode = headers.sizeOfCode
      sizeOfData = headers.sizeOfInitializedData
    }

    var sizeOfImage: UInt32 { UInt32(truncatingIfNeeded: aligned(memoryEnd, to: sectionAlignment)) }

    mutating func place(_ name: String, _ content: ByteRope) throws(ImageFormatError) -> Placed {
      let address = aligned(memoryEnd, to: sectionAlignment)
      let size = UnifiedKernelImage.virtualSize(of: name, content)
      let rawSize = aligned(content.count, to: fileAlignment)
      let limit = Int(UInt32.max) - sectionAlignment
      guard address <= limit, size <= limit - address, rawSize <= limit - fileEnd else {
        throw ImageFormatError(.tooLarge, "section \(name) makes the image exceed 4 GiB: a PE file cannot")
      }
      memoryEnd = address + size
      defer { fileEnd += rawSize }
      if name == ".linux" { sizeOfCode &+= UInt32(size) } else { sizeOfData &+= UInt32(size) }
      return Placed(
        name: name, virtualAddress: UInt32(address), virtualSize: UInt32(size),
        rawOffset: UInt32(fileEnd), rawSize: UInt32(rawSize))
    }
  }
}
