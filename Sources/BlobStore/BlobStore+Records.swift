internal import Bytes
internal import Glibc

// A record on disk:
//
//     "netimg-record-1\n" | SHA-256 (32 bytes) of "KIND/KEY\n" and the payload | payload
//
// The name is part of the checksum, so a record that was renamed or copied to another key does not count.

extension BlobStore {
  private static let recordMagic = Array("netimg-record-1\n".utf8)

  /// Derived data under a name of the caller's, or `nil` if there are none or they fail their checksum (then
  /// the record is moved away). One that belongs to neither the reader nor root counts as missing. `kind` and `key` are 1 to 200 of `[a-z0-9._-]` and do not begin with a dot;
  /// anything else throws `invalidName`.
  package func record(kind: String, key: String) throws -> [UInt8]? {
    if let payload = try recordHere(kind, key) { return payload }
    return shared.lazy.compactMap { try? $0.recordHere(kind, key) }.first
  }

  private func recordHere(_ kind: String, _ key: String) throws -> [UInt8]? {
    let path = try recordPath(kind, key)
    guard let file = try openEntry(path) else { return nil }
    let status = try file.status()
    // A digest proves a blob; what derived data are derived from, only their maker knows.
    guard status.isTrusted else { return nil }
    if status.isRegular, let bytes = try contents(of: file, status),
      let payload = Self.payload(ofRecord: bytes, kind, key)
    {
      noteUse(path, status)
      return payload
    }
    quarantine(path, status, as: "\(kind)-\(key)")
    return nil
  }

  /// What a record file holds, if its checksum and name are right.
  static func payload(ofRecord bytes: [UInt8], _ kind: String, _ key: String) -> [UInt8]? {
    let header = recordMagic.count + SHA256Digest.byteCount
    guard bytes.count >= header else { return nil }
    let payload = Array(bytes[header...])
    return bytes[..<header].elementsEqual(recordHeader(kind, key, payload)) ? payload : nil
  }

  /// Replaces the record, atomically; concurrent writers leave the one or the other.
  /// `durable: false` does not wait for the disk: for what is cheap to derive again.
  package func setRecord(_ payload: [UInt8], kind: String, key: String, durable: Bool = true) throws {
    let path = try recordPath(kind, key)
    try write([Self.recordHeader(kind, key, payload), payload], to: path, durable: durable)
  }

  /// Removes the record; nothing happens if there is none.
  package func removeRecord(kind: String, key: String) throws {
    try FileSystem.remove(try recordPath(kind, key))
  }

  /// The keys of one kind, sorted.
  package func recordKeys(kind: String) throws -> [String] {
    try FileSystem.names(in: "\(root)/records/\(try Self.checked(kind, "kind"))").filter(Self.isValidName)
  }

  func recordPath(_ kind: String, _ key: String) throws(StoreError) -> String {
    "\(root)/records/\(try Self.checked(kind, "kind"))/\(try Self.checked(key, "key"))"
  }

  private static func recordHeader(_ kind: String, _ key: String, _ payload: [UInt8]) -> [UInt8] {
    var hash = SHA256()
    hash.update(Array("\(kind)/\(key)\n".utf8))
    hash.update(payload)
    return recordMagic + hash.finish().bytes
  }

  private static func checked(_ name: String, _ what: String) throws(StoreError) -> String {
    guard isValidName(name) else {
      throw StoreError(
        .invalidName, path: name,
        "a record's \(what) is 1 to 200 of a-z, 0-9, '.', '_' and '-', not beginning with a dot, "
          + "but this one is '\(name)'")
    }
    return name
  }

  static func isValidName(_ name: String) -> Bool {
    (1...200).contains(name.utf8.count) && name.utf8.first != 0x2e
      && name.utf8.allSatisfy { byte in
        switch byte {
        case 0x61...0x7a, 0x30...0x39, 0x2e, 0x5f, 0x2d: true
        default: false
        }
      }
  }
}
