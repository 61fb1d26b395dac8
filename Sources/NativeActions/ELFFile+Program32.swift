extension ELFFile {
  /// Whether the bytes are a program for a 32-bit dynamic loader: little-endian `ELFCLASS32` with a `PT_INTERP`. Nothing
  /// more is read of such files.
  ///
  ///     28 e_phoff (4)   42 e_phentsize (2)   44 e_phnum (2);   in each program header 0 p_type (4)
  package static func isProgram32(_ bytes: [UInt8]) -> Bool {
    guard isELF(bytes), bytes.count >= 52, bytes[4] == 1, bytes[5] == 1 else { return false }
    func integer(_ offset: Int, _ size: Int) -> Int {
      (0..<size).reversed().reduce(0) { $0 << 8 | Int(bytes[offset + $1]) }
    }
    let start = integer(28, 4)
    let size = integer(42, 2)
    guard size >= 32 else { return false }
    for number in 0..<min(integer(44, 2), ELFImage.mostSegments) {
      let offset = start + number * size
      guard offset <= bytes.count - 4 else { return false }
      if integer(offset, 4) == Int(ELFImage.Segment.interpreter) { return true }
    }
    return false
  }
}
