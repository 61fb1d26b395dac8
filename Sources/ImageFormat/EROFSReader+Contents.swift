package import Bytes

extension EROFSReader {
  /// A piece of contents: what is read and held at once.
  private static let pieceSize: UInt64 = 1 << 20

  /// Hands the bytes of a file to `body` in order, in pieces of at most 1 MiB.
  /// - Throws: `invalidEntry` if the node is no file; `corrupt`; or what `body` throws.
  package func forEachPiece(of node: Node, _ body: ([UInt8]) throws -> Void) throws {
    guard node.kind == .file else {
      throw ImageFormatError(.invalidEntry, "/\(node.path) is no file: ask for the contents of files only")
    }
    var offset: UInt64 = 0
    while offset < node.size {
      let piece = try data(of: node, from: offset, atMost: Self.pieceSize)
      try body(piece)
      offset += UInt64(piece.count)
    }
  }

  /// The bytes of a file.
  /// - Throws: As ``forEachPiece(of:_:)``.
  package func contents(of node: Node) throws -> ByteRope {
    var rope = ByteRope()
    try forEachPiece(of: node) { rope.append($0) }
    return rope
  }

  /// The target of a symbolic link, as bytes.
  /// - Throws: `invalidEntry` if the node is no link; `corrupt`, also for targets that Linux cannot follow.
  package func target(of node: Node) throws -> [UInt8] {
    guard node.kind == .symlink else {
      throw ImageFormatError(
        .invalidEntry, "/\(node.path) is no symbolic link: ask for the target of links only")
    }
    guard node.size >= 1, node.size <= UInt64(ImagePath.maximumLength) else {
      throw ImageFormatError(.corrupt, "the symbolic link /\(node.path) has a target of \(node.size) bytes")
    }
    let target = try data(of: node, from: 0, atMost: node.size)
    guard target.count == Int(node.size), !target.contains(0) else {
      throw ImageFormatError(.corrupt, "the symbolic link /\(node.path) has a NUL in its target")
    }
    return target
  }

  /// The extended attributes of an inode, sorted by name.
  /// - Throws: `corrupt`; `unsupported` for prefixes that we do not know.
  package func attributes(of node: Node) throws -> [ExtendedAttribute] {
    guard node.attributesSize > 0 else { return [] }
    let what = "the attributes of /\(node.path)"
    let bytes = try read(node.attributesStart, node.attributesSize, what)
    var reader = ByteReader(bytes)
    var attributes: [ExtendedAttribute] = []
    do {
      _ = try reader.read(4, "h_name_filter")
      let shared = Int(try reader.littleEndian(UInt8.self, "h_shared_count"))
      _ = try reader.read(7, "h_reserved2")
      for _ in 0..<shared {
        let slot = UInt64(try reader.littleEndian(UInt32.self, "shared attribute"))
        attributes.append(try sharedAttribute(at: sharedAttributesStart + 4 * slot, what))
      }
      while reader.remaining > 0 { attributes.append(try Self.attribute(&reader, what)) }
    } catch let error as ByteReadError {
      throw ImageFormatError(.corrupt, "\(what) end early: \(error)")
    }
    attributes.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    return attributes
  }

  private func sharedAttribute(at offset: UInt64, _ what: String) throws -> ExtendedAttribute {
    let header = try read(offset, UInt64(EROFSAttributes.entryHeaderSize), what)
    let size = EROFSAttributes.entryHeaderSize + Int(header[0]) + Int(header[2]) + Int(header[3]) << 8
    var reader = ByteReader(try read(offset, UInt64(size), what))
    return try Self.attribute(&reader, what)
  }

  private static func attribute(_ reader: inout ByteReader, _ what: String) throws -> ExtendedAttribute {
    let nameLength = Int(try reader.littleEndian(UInt8.self, "e_name_len"))
    let index = try reader.littleEndian(UInt8.self, "e_name_index")
    let valueLength = Int(try reader.littleEndian(UInt16.self, "e_value_size"))
    guard let prefix = EROFSAttributes.prefixes.first(where: { $0.index == index })?.prefix else {
      throw ImageFormatError(.unsupported, "\(what) have a prefix numbered \(index), which we do not know")
    }
    let name = String(decoding: try reader.read(nameLength, "e_name"), as: UTF8.self)
    let value = Array(try reader.read(valueLength, "attribute value"))
    let padding = aligned(reader.offset, to: 4) - reader.offset
    _ = try reader.read(min(padding, reader.remaining), "padding")
    return ExtendedAttribute(name: prefix + name, value: value)
  }
}
