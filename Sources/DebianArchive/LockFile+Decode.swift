internal import Bytes
internal import FoundationEssentials

extension LockFile {
  /// The largest lock file that is read, in bytes.
  package static let maximumSize = 16 << 20
  /// The most packages that a lock may hold.
  static let maximumPackages = 20_000

  /// Reads a lock file and checks every value in it: it may be hand-edited, badly merged or hostile.
  /// - Parameter file: what messages call it.
  /// - Throws: `tooLarge`, `newerLock` or `malformedLock`, naming the place.
  package init(decoding bytes: [UInt8], file: String) throws(ArchiveError) {
    guard bytes.count <= Self.maximumSize else {
      throw ArchiveError(
        .tooLarge,
        "\(file) has \(bytes.count) bytes; a lock file has less than \(Self.maximumSize): make it anew "
          + "with netimg lock")
    }
    let version = try Self.decode(Wire.Header.self, bytes, file).formatVersion
    guard version <= Self.formatVersion else {
      throw ArchiveError(
        .newerLock,
        "\(file) was made by a newer netimg (format \(version), this one reads up to "
          + "\(Self.formatVersion)); update netimg")
    }
    let check = LockCheck(file: file)
    try check.require(version == Self.formatVersion, "formatVersion", "is not \(Self.formatVersion)")
    self = try check.lock(try Self.decode(Wire.Lock.self, bytes, file))
  }

  private static func decode<Value: Decodable>(
    _ type: Value.Type, _ bytes: [UInt8], _ file: String
  ) throws(ArchiveError) -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(bytes))
    } catch let error as DecodingError {
      throw LockCheck(file: file).error(for: error)
    } catch {
      throw ArchiveError(.malformedLock, "\(file) cannot be read; make it anew with netimg lock")
    }
  }

  /// The file's shape, before its values are checked.
  enum Wire {
    struct Header: Decodable {
      let formatVersion: Int
    }

    struct Lock: Decodable {
      let image: String
      let architecture: String
      let inputs: String
      let archives: [Archive]
      let packages: [Package]
    }

    struct Archive: Decodable {
      let archive: String
      let suite: String
      let codename: String
      let version: String
      let date: String
      let sha256: String
    }

    struct Package: Decodable {
      let name: String
      let version: String
      let architecture: String
      let archive: String
      let path: String
      let size: Int
      let sha256: String
      let source: String
      let role: String
      let why: [String]
      let scripts: [Script]?
      let triggers: [Trigger]?
    }

    struct Script: Decodable {
      let name: String
      let sha256: String
      let `class`: String
      let actions: [String]?
    }

    struct Trigger: Decodable {
      let text: String
      let `class`: String
    }
  }
}
