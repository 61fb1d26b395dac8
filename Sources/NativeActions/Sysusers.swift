internal import Bytes

/// sysusers.d(5): the system accounts that packages declare.
package enum Sysusers {
  /// A numeric identifier, or one to be chosen.
  package enum Identifier: Equatable, Sendable {
    case automatic
    case fixed(UInt32)
  }

  /// The primary group of a user line.
  package enum PrimaryGroup: Equatable, Sendable {
    /// A group of the user's own name, made where there is none.
    case own
    /// `UID:GID`: a group that exists, by number.
    case identifier(UInt32)
    /// `UID:GROUP`: a group that exists or is declared, by name.
    case name(String)
  }

  /// What a line asks for.
  package enum Request: Equatable, Sendable {
    /// `u` and `u!`; the latter's account is expired as well, so that nothing at all can log in with it.
    case user(
      name: String, identifier: Identifier, group: PrimaryGroup, gecos: String, home: String?, isExpired: Bool
    )
    /// `g`.
    case group(name: String, identifier: Identifier)
    /// `m`: a user, and a group that it becomes a member of; both are made if nobody declares them.
    case member(user: String, group: String)
    /// `r`: identifiers to choose from, in place of the default range.
    case range(ClosedRange<UInt32>)
  }

  /// A line and where it stands.
  package struct Line: Equatable, Sendable {
    /// `file:line`, or where else the request comes from, for messages.
    package let origin: String
    /// What it asks for.
    package let request: Request

    /// For requests that come from elsewhere, such as a manifest.
    package init(origin: String, request: Request) {
      self.origin = origin
      self.request = request
    }
  }

  /// Reads one file. The caller gives the files in the order of their base names, one for each, as systemd does. Shell
  /// fields are read and dropped, because nobody logs in to an image.
  package static func parse(
    _ bytes: [UInt8], file: String, specifiers: Specifiers = .build
  ) throws(NativeActionError) -> [Line] {
    var result: [Line] = []
    for line in try TextLines(bytes, file: file).lines {
      let content = line.bytes.trimmed
      guard let first = content.first, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else {
        continue
      }
      let parser = SysusersLineParser(origin: "\(file):\(line.number)", specifiers: specifiers)
      result.append(Line(origin: parser.origin, request: try parser.parse(content)))
    }
    return result
  }
}

/// Reads the fields of one line: type, name, id, GECOS, home directory, shell.
private struct SysusersLineParser {
  let origin: String
  let specifiers: Specifiers

  func parse(_ content: ArraySlice<UInt8>) throws(NativeActionError) -> Sysusers.Request {
    let fields = try fields(content)
    guard fields.count >= 2 else { throw malformed("a line needs a type and a name") }
    let identifier = fields.count > 2 ? fields[2] : nil
    let rest = fields.dropFirst(3)
    switch fields[0] {
    case "u", "u!":
      let (number, group) = try userIdentifier(identifier)
      return .user(
        name: try name(fields[1]), identifier: number, group: group,
        gecos: try gecos((rest.first ?? nil) ?? ""), home: try home(rest.count > 1 ? rest[4] : nil),
        isExpired: fields[0] == "u!")
    case "g":
      try demandEmpty(rest, "a group line ends after the identifier")
      return .group(name: try name(fields[1]), identifier: try self.identifier(identifier))
    case "m":
      try demandEmpty(rest, "a member line ends after the group")
      guard let identifier else { throw malformed("a member line needs a user and a group") }
      return .member(user: try name(fields[1]), group: try name(identifier))
    case "r":
      guard fields[1] == nil, let identifier else {
        throw malformed("a range line is written `r - FIRST-LAST`")
      }
      try demandEmpty(rest, "a range line ends after the range")
      return .range(try range(identifier))
    default:
      throw malformed("“\(fields[0] ?? "-")” is none of the types u, u!, g, m and r")
    }
  }

  /// Words with specifiers expanded; `nil` for `-` and empty ones.
  private func fields(_ content: ArraySlice<UInt8>) throws(NativeActionError) -> [String?] {
    var scanner = WordScanner(content, escapes: .literal)
    var fields: [String?] = []
    do throws(WordScanner.Failure) {
      while let word = try scanner.next() {
        switch specifiers.expand(word) {
        case .success(let bytes):
          fields.append(bytes.isEmpty || bytes == [UInt8(ascii: "-")] ? nil : bytes[...].text)
        case .failure(let unknown):
          throw WordScanner.Failure(reason: "“%\(unknown.letter)” has no value at build time")
        }
      }
    } catch {
      throw malformed(error.reason)
    }
    guard fields.count <= 6 else { throw malformed("more than six fields; quote those with spaces") }
    return fields
  }

  private func name(_ text: String?) throws(NativeActionError) -> String {
    guard let text, AccountName.isValid(text) else {
      throw malformed(
        "“\(text ?? "-")” is no account name: up to 31 letters, digits, _ and -, beginning with a letter or _"
      )
    }
    return text
  }

  private func identifier(_ text: String?) throws(NativeActionError) -> Sysusers.Identifier {
    guard let text else { return .automatic }
    if text.hasPrefix("/") { throw fromFile(text) }
    return .fixed(try number(text))
  }

  private func userIdentifier(
    _ text: String?
  ) throws(NativeActionError) -> (Sysusers.Identifier, Sysusers.PrimaryGroup) {
    guard let text else { return (.automatic, .own) }
    if text.hasPrefix("/") { throw fromFile(text) }
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
    let user = parts[0] == "-" ? .automatic : Sysusers.Identifier.fixed(try number(parts[0]))
    guard parts.count == 2 else { return (user, .own) }
    return (
      user, parts[1].utf8.allSatisfy(isDigit) ? .identifier(try number(parts[1])) : .name(try name(parts[1]))
    )
  }

  private func number(_ text: String) throws(NativeActionError) -> UInt32 {
    // 65535 and 2³²-1 mean "no user" in one system call or another.
    guard !text.isEmpty, text.utf8.allSatisfy(isDigit), let value = UInt32(text), value != 65535,
      value < 1 << 31
    else { throw malformed("“\(text)” is no user or group number") }
    return value
  }

  private func range(_ text: String) throws(NativeActionError) -> ClosedRange<UInt32> {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false).map(String.init)
    guard let first = parts.first, let last = parts.last, parts.count <= 2 else {
      throw malformed("“\(text)” is no range; write FIRST-LAST")
    }
    let (lower, upper) = (try number(first), try number(last))
    guard lower <= upper else { throw malformed("the range \(text) ends before it begins") }
    return lower...upper
  }

  private func gecos(_ text: String) throws(NativeActionError) -> String {
    guard text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: ":") }) else {
      throw malformed("a GECOS field holds no colon and no control character")
    }
    return text
  }

  private func home(_ text: String??) throws(NativeActionError) -> String? {
    guard let text = text ?? nil else { return nil }
    let isClean = text.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F && $0 != UInt8(ascii: ":") }
    guard text.hasPrefix("/"), isClean, !text.slashSeparated().contains("..") else {
      throw malformed("“\(text)” is no absolute home directory without .. and colons")
    }
    return text
  }

  private func demandEmpty(_ fields: ArraySlice<String?>, _ rule: String) throws(NativeActionError) {
    guard fields.allSatisfy({ $0 == nil }) else { throw malformed(rule) }
  }

  private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private func fromFile(_ path: String) -> NativeActionError {
    NativeActionError(
      .unsupported, at: origin,
      "an identifier taken from the owner of \(path) is not known at build time; fix a number")
  }

  private func malformed(_ message: String) -> NativeActionError {
    NativeActionError(.malformed, at: origin, "not a sysusers.d line: \(message)")
  }
}

/// Names of users and groups.
enum AccountName {
  /// systemd's strict rule, which every tool that reads passwd(5) accepts.
  static func isValid(_ name: String) -> Bool {
    func isLetter(_ byte: UInt8) -> Bool {
      (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == UInt8(ascii: "_")
    }
    guard let first = name.utf8.first, isLetter(first), name.utf8.count <= 31 else { return false }
    return name.utf8.allSatisfy { isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-") }
  }
}
