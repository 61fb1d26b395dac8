internal import Bytes
internal import DebianPackage

/// How unpacked packages are kept in the store: a record with everything but the files' bytes, which lie in a blob.
extension PackageContents {
  /// Changes whenever the bytes below, or what goes into them (the script recogniser, say), change.
  static let formatVersion = 2

  /// The record's bytes, and the blob's. Integers are little-endian; texts and lists begin with their length in 4 bytes.
  func encode() -> (record: [UInt8], data: ByteRope) {
    var data = ByteRope()
    var writer = ByteWriter()
    writer.text(name)
    writer.text(version)
    writer.list(control.fields) {
      $1.text($0.name)
      $1.text($0.value)
    }
    writer.list(conffiles) { $1.text($0) }
    writer.list(scripts) {
      $1.text($0.name.rawValue)
      $1.append($0.digest.bytes)
      $1.text("\($0.scriptClass)")
      $1.list($0.actions) { $1.text($0.description) }
    }
    writer.list(entries) { entry, writer in
      writer.text(entry.path)
      writer.littleEndian(entry.permissions)
      writer.account(entry.owner)
      writer.account(entry.group)
      switch entry.kind {
      case .directory: writer.append([0])
      case .symlink(let target):
        writer.append([1])
        writer.text(target)
      case .hardLink(let target):
        writer.append([2])
        writer.text(target)
      case .file(let content):
        writer.append([3])
        writer.littleEndian(UInt64(data.count))
        writer.littleEndian(UInt64(content.size))
        writer.append(content.digest.bytes)
        writer.text(content.digests.sha1.hex)
        data.append(content.bytes)
      }
    }
    return (writer.bytes, data)
  }

  /// Reads a record; files read their bytes from `data` later. Throws for anything that `encode` does not write.
  init(decoding record: [UInt8], data: UnpackedData) throws {
    var reader = ByteReader(record)
    name = try reader.text()
    version = try reader.text()
    control = ControlParagraph(
      fields: try reader.list { ControlParagraph.Field(name: try $0.text(), value: try $0.text()) })
    conffiles = try reader.list { try $0.text() }
    scripts = try reader.list { reader in
      guard let name = ScriptName(rawValue: try reader.text()),
        let digest = SHA256Digest(try reader.read(SHA256Digest.byteCount, "digest"))
      else { throw Self.damaged }
      let className = try reader.text()
      guard let scriptClass = ScriptClass.all.first(where: { "\($0)" == className }) else {
        throw Self.damaged
      }
      let actions = try reader.list { reader in
        guard let action = ScriptAction(try reader.text()) else { throw Self.damaged }
        return action
      }
      return Script(name: name, digest: digest, scriptClass: scriptClass, actions: actions)
    }
    entries = try reader.list { try Entry(&$0, data: data) }
    guard reader.remaining == 0 else { throw Self.damaged }
  }

  fileprivate static var damaged: BuildError {
    BuildError(.badInput, "a record of an unpacked package is damaged")
  }
}

extension ScriptClass {
  fileprivate static let all: [ScriptClass] = [.inert, .known, .unknown, .notRun]
}

extension PackageContents.Entry {
  fileprivate init(_ reader: inout ByteReader, data: UnpackedData) throws {
    path = try reader.text()
    permissions = try reader.littleEndian(UInt16.self, "permissions")
    owner = try reader.account()
    group = try reader.account()
    switch try reader.read(1, "kind").first {
    case 0: kind = .directory
    case 1: kind = .symlink(try reader.text())
    case 2: kind = .hardLink(try reader.text())
    case 3:
      let offset = try reader.littleEndian(UInt64.self, "offset")
      let size = try reader.littleEndian(UInt64.self, "size")
      guard let digest = SHA256Digest(try reader.read(SHA256Digest.byteCount, "digest")),
        let sha1 = SHA1Digest(hex: try reader.text()), offset < 1 << 40, size < 1 << 40
      else { throw PackageContents.damaged }
      let digests = FileDigests(sha1: sha1, sha256: digest)
      kind = .file(FileContent(in: data, offset: Int(offset), size: Int(size), digests: digests))
    default: throw PackageContents.damaged
    }
  }
}

extension ByteWriter {
  fileprivate mutating func text(_ text: String) {
    littleEndian(UInt32(text.utf8.count))
    append(text.utf8)
  }

  fileprivate mutating func list<Element>(_ items: [Element], _ body: (Element, inout ByteWriter) -> Void) {
    littleEndian(UInt32(items.count))
    for item in items { body(item, &self) }
  }

  fileprivate mutating func account(_ account: AccountReference) {
    switch account {
    case .number(let number):
      append([0])
      littleEndian(number)
    case .name(let name):
      append([1])
      text(name)
    }
  }
}

extension ByteReader {
  fileprivate mutating func text() throws -> String {
    let count = Int(try littleEndian(UInt32.self, "length"))
    return String(decoding: try read(count, "text"), as: UTF8.self)
  }

  fileprivate mutating func list<Element>(_ body: (inout ByteReader) throws -> Element) throws -> [Element] {
    let count = Int(try littleEndian(UInt32.self, "count"))
    guard count <= remaining else { throw PackageContents.damaged }
    var items: [Element] = []
    items.reserveCapacity(count)
    for _ in 0..<count { items.append(try body(&self)) }
    return items
  }

  fileprivate mutating func account() throws -> AccountReference {
    switch try read(1, "account").first {
    case 0: return .number(try littleEndian(UInt32.self, "number"))
    case 1: return .name(try text())
    default: throw PackageContents.damaged
    }
  }
}
