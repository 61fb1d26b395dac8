internal import Bytes

extension Tmpfiles {
  /// Reads one file. The caller gives the files in the order of their base names, one for each, as systemd does.
  /// `malformed` names the line.
  package static func parse(
    _ bytes: [UInt8], file: String, specifiers: Specifiers = .build
  ) throws(NativeActionError) -> [Line] {
    var result: [Line] = []
    for line in try TextLines(bytes, file: file).lines {
      let content = line.bytes.trimmed
      guard let first = content.first, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else {
        continue
      }
      result.append(
        try TmpfilesLineParser(origin: "\(file):\(line.number)", specifiers: specifiers).parse(content))
    }
    return result
  }
}

/// Reads the fields of one line: type, path, mode, user, group, age; what is left is the argument.
private struct TmpfilesLineParser {
  let origin: String
  let specifiers: Specifiers

  private static let modifiers: [UInt8: Tmpfiles.Modifiers] = [
    UInt8(ascii: "+"): .plus, UInt8(ascii: "!"): .boot, UInt8(ascii: "-"): .mayFail,
    UInt8(ascii: "="): .exactType,
    UInt8(ascii: "~"): .base64, UInt8(ascii: "^"): .credential, UInt8(ascii: "$"): .purge,
    UInt8(ascii: "?"): .ifTargetExists,
  ]

  func parse(_ content: ArraySlice<UInt8>) throws(NativeActionError) -> Tmpfiles.Line {
    var scanner = WordScanner(content, escapes: .c)
    var fields: [[UInt8]] = []
    do throws(WordScanner.Failure) {
      while fields.count < 6, let word = try scanner.next() { fields.append(word) }
    } catch {
      throw malformed(error.reason)
    }
    guard fields.count >= 2 else { throw malformed("a line needs a type and a path") }
    let (kind, modifiers) = try type(fields[0])
    func field(_ index: Int) -> [UInt8]? {
      guard index < fields.count, !fields[index].isEmpty, fields[index] != [UInt8(ascii: "-")] else {
        return nil
      }
      return fields[index]
    }
    var argument: [UInt8]?
    if !scanner.rest.isEmpty, !scanner.rest.elementsEqual([UInt8(ascii: "-")]) {
      argument = try self.argument(scanner.rest, kind)
    }
    var path = fields[1]
    var unknown: String?
    do throws(UnknownSpecifier) {
      path = try specifiers.expand(path).get()
      // Device numbers and access lists hold no specifiers.
      if kind.decodesArgument, let raw = argument { argument = try specifiers.expand(raw).get() }
    } catch {
      unknown = error.letter
    }
    if modifiers.contains(.base64), !modifiers.contains(.credential), let text = argument {
      guard let decoded = Base64.decode(text) else { throw malformed("its argument is not Base64") }
      argument = decoded
    }
    try demandArgument(kind, argument)
    return Tmpfiles.Line(
      origin: origin, kind: kind, modifiers: modifiers, path: try normalize(path), mode: try mode(field(2)),
      user: try owner(field(3)), group: try owner(field(4)), age: field(5).map { $0[...].text },
      argument: argument,
      unknownSpecifier: unknown)
  }

  private func type(_ word: [UInt8]) throws(NativeActionError) -> (Tmpfiles.Kind, Tmpfiles.Modifiers) {
    guard let letter = word.first, let kind = Tmpfiles.Kind(rawValue: letter) else {
      throw malformed("“\(word[...].text)” begins with no known type letter")
    }
    var modifiers: Tmpfiles.Modifiers = []
    for sign in word.dropFirst() {
      guard let modifier = Self.modifiers[sign], !modifiers.contains(modifier) else {
        throw malformed("“\(word[...].text)” has an unknown or repeated modifier")
      }
      modifiers.insert(modifier)
    }
    return (kind, modifiers)
  }

  /// Everything to the end of the line, blanks included.
  private func argument(
    _ text: ArraySlice<UInt8>, _ kind: Tmpfiles.Kind
  ) throws(NativeActionError) -> [UInt8] {
    guard kind.decodesArgument else { return Array(text) }
    guard let decoded = CEscape.decodeAll(text) else {
      throw malformed("a backslash in its argument begins no escape sequence")
    }
    return decoded
  }

  private func demandArgument(_ kind: Tmpfiles.Kind, _ argument: [UInt8]?) throws(NativeActionError) {
    switch kind {
    case .write where argument == nil: throw malformed("a w line needs an argument to write")
    case .symlink, .copy:
      guard String(validating: argument ?? [], as: UTF8.self) != nil else {
        throw malformed("the path in its argument is not UTF-8")
      }
      if kind == .copy, let first = argument?.first, first != UInt8(ascii: "/") {
        throw malformed("the source of a C line must be absolute")
      }
    case .characterDevice, .blockDevice:
      let parts = (argument ?? []).split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
      guard parts.count == 2, parts.allSatisfy({ UInt32($0.text) != nil }) else {
        throw malformed("a device needs MAJOR:MINOR as its argument")
      }
    default: break
    }
  }

  private func normalize(_ path: [UInt8]) throws(NativeActionError) -> String {
    guard path.first == UInt8(ascii: "/"), let text = String(validating: path, as: UTF8.self) else {
      throw malformed("“\(path[...].text)” is no absolute path in UTF-8")
    }
    let parts = text.slashSeparated().filter { $0 != "." }
    guard !parts.contains("..") else {
      throw malformed("“\(text)” has .. in it, which leads out of its directory")
    }
    return "/" + parts.joined(separator: "/")
  }

  private func mode(_ field: [UInt8]?) throws(NativeActionError) -> Tmpfiles.Mode? {
    guard let field else { return nil }
    let signs = field.prefix { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: ":") }
    let digits = field.dropFirst(signs.count)
    guard signs.count <= 2, Set(signs).count == signs.count, !digits.isEmpty,
      digits.allSatisfy({ (0x30...0x37).contains($0) }), let bits = UInt16(digits.text, radix: 8),
      bits <= 0o7777
    else { throw malformed("“\(field[...].text)” is no octal mode") }
    return Tmpfiles.Mode(
      bits: bits, isMasked: signs.contains(UInt8(ascii: "~")), isForNewOnly: signs.contains(UInt8(ascii: ":"))
    )
  }

  private func owner(_ field: [UInt8]?) throws(NativeActionError) -> Tmpfiles.Owner? {
    guard let field else { return nil }
    let isForNewOnly = field.first == UInt8(ascii: ":")
    let expanded: [UInt8]
    switch specifiers.expand(isForNewOnly ? Array(field.dropFirst()) : field) {
    case .success(let bytes): expanded = bytes
    case .failure(let unknown):
      throw malformed("“%\(unknown.letter)” in its owner has no value at build time")
    }
    let name = expanded[...].text
    guard
      AccountName.isValid(name)
        || (UInt32(name) != nil && name.utf8.allSatisfy { (0x30...0x39).contains($0) })
    else { throw malformed("“\(name)” is neither a name nor a number of an account") }
    return Tmpfiles.Owner(name: name, isForNewOnly: isForNewOnly)
  }

  private func malformed(_ message: String) -> NativeActionError {
    NativeActionError(.malformed, at: origin, "not a tmpfiles.d line: \(message)")
  }
}
