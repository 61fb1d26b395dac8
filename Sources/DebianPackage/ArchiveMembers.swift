/// The members of a package file: the common `ar` format (deb(5)), read without copying.
///
///      0 name, blank-padded   16 mtime   28 uid   34 gid   40 mode   48 size, decimal   58 "`\n"
struct ArchiveMembers {
  private static let magic = Array("!<arch>\n".utf8)
  private static let headerSize = 60
  private static let maximumMembers = 16

  struct Member {
    let name: String
    /// Where the content lies in the file.
    let range: Range<Int>
  }

  let members: [Member]

  init(_ bytes: [UInt8], file: String) throws(DebianPackageError) {
    func corrupt(_ what: String) -> DebianPackageError {
      DebianPackageError(.corrupt, "\(file) is not a sound package file: \(what); fetch it again")
    }
    guard bytes.starts(with: Self.magic) else { throw corrupt("it does not begin as an ar archive") }
    var members: [Member] = []
    var offset = Self.magic.count
    while offset < bytes.count {
      guard bytes.count - offset >= Self.headerSize else { throw corrupt("it ends inside a member's header") }
      let header = bytes[offset..<offset + Self.headerSize]
      offset += Self.headerSize
      guard header.suffix(2).elementsEqual([0x60, ASCII.newline]) else {
        throw corrupt("a member's header does not end as it should")
      }
      let base = header.startIndex
      var name = Self.withoutPadding(header[base..<base + 16])
      // GNU ar ends names with a slash; a name that begins with one would be its own extension.
      if name.last == ASCII.slash { name.removeLast() }
      guard !name.isEmpty, name.allSatisfy({ $0 > ASCII.space && $0 < 0x7F && $0 != ASCII.slash }) else {
        throw corrupt("a member has a name that no package has")
      }
      let digits = Self.withoutPadding(header[base + 48..<base + 58])
      guard !digits.isEmpty, digits.allSatisfy(ASCII.isDigit),
        let size = Int(String(decoding: digits, as: UTF8.self))
      else { throw corrupt("a member's size is not a number") }
      guard size <= bytes.count - offset else { throw corrupt("it ends inside a member") }
      let member = Member(name: String(decoding: name, as: UTF8.self), range: offset..<offset + size)
      guard !members.contains(where: { $0.name == member.name }) else {
        throw DebianPackageError(.duplicate, "\(file) has the member \(member.name) twice")
      }
      members.append(member)
      guard members.count <= Self.maximumMembers else {
        throw DebianPackageError(.limit, "\(file) has more than \(Self.maximumMembers) members")
      }
      offset += size
      if size % 2 == 1 {
        guard offset < bytes.count, bytes[offset] == ASCII.newline else {
          throw corrupt("a member of odd size is not padded")
        }
        offset += 1
      }
    }
    self.members = members
  }

  private static func withoutPadding(_ field: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    field[..<((field.lastIndex { $0 != ASCII.space }).map { $0 + 1 } ?? field.startIndex)]
  }
}
