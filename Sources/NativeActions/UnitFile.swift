/// What a build has to know of a unit file and its drop-ins (systemd.unit(5), systemd.service(5)).
package struct UnitFile: Sendable {
  /// One assignment.
  package struct Setting: Equatable, Sendable {
    /// `file:line` of the assignment's first line.
    package let origin: String
    /// The section without brackets, such as `Service`.
    package let section: String
    package let key: String
    /// Without blanks at its ends; continued lines are joined with spaces.
    package let value: String
  }

  /// All assignments of the file and then its drop-ins, in order.
  package let settings: [Setting]

  /// Reads a unit file, and drop-ins in the order of their names. `malformed` names the line.
  package static func parse(
    _ bytes: [UInt8], file: String, dropIns: [(file: String, bytes: [UInt8])] = []
  ) throws(NativeActionError) -> UnitFile {
    var settings = try Self.settings(bytes, file: file)
    for dropIn in dropIns { settings += try Self.settings(dropIn.bytes, file: dropIn.file) }
    return UnitFile(settings: settings)
  }

  /// The value of the last assignment; `nil` if there is none or it is empty.
  package func value(_ section: String, _ key: String) -> String? {
    settings.last { $0.section == section && $0.key == key }.flatMap { $0.value.isEmpty ? nil : $0.value }
  }

  /// The words of all assignments; an empty assignment drops what came before.
  package func words(_ section: String, _ key: String) throws(NativeActionError) -> [String] {
    var words: [String] = []
    for setting in settings where setting.section == section && setting.key == key {
      if setting.value.isEmpty {
        words = []
        continue
      }
      var scanner = WordScanner(ArraySlice(Array(setting.value.utf8)), escapes: .retained)
      do throws(WordScanner.Failure) {
        while let word = try scanner.next() { words.append(word[...].text) }
      } catch {
        throw NativeActionError(.malformed, at: setting.origin, "\(key)= has \(error.reason)")
      }
    }
    return words
  }
}

extension UnitFile {
  private static func settings(_ bytes: [UInt8], file: String) throws(NativeActionError) -> [Setting] {
    var settings: [Setting] = []
    var section: String?
    for (number, text) in try logicalLines(bytes, file: file) {
      let origin = "\(file):\(number)"
      if text.first == UInt8(ascii: "[") {
        guard text.last == UInt8(ascii: "]"), text.count > 2 else {
          throw NativeActionError(.malformed, at: origin, "a section header without its closing bracket")
        }
        section = text.dropFirst().dropLast().text
        continue
      }
      guard let equals = text.firstIndex(of: UInt8(ascii: "=")), equals > text.startIndex else {
        throw NativeActionError(
          .malformed, at: origin, "neither a section nor an assignment; comments begin with #")
      }
      guard let section else {
        throw NativeActionError(.malformed, at: origin, "an assignment before the first section")
      }
      settings.append(
        Setting(
          origin: origin, section: section, key: text[..<equals].trimmed.text,
          value: text[(equals + 1)...].trimmed.text))
    }
    return settings
  }

  /// Lines with continuations joined by a space and comments left out, also those between continued lines.
  private static func logicalLines(
    _ bytes: [UInt8], file: String
  ) throws(NativeActionError) -> [(number: Int, text: ArraySlice<UInt8>)] {
    var result: [(number: Int, text: ArraySlice<UInt8>)] = []
    var pending: (number: Int, text: [UInt8])?
    for line in try TextLines(bytes, file: file).lines {
      // A blank behind a backslash makes it an ordinary one.
      let content = line.bytes.drop(while: isBlank)
      if let first = content.first, first == UInt8(ascii: "#") || first == UInt8(ascii: ";") { continue }
      var text = Array(content)
      // An even number of backslashes is escapes, not a continuation.
      let isContinued = !content.reversed().prefix { $0 == UInt8(ascii: "\\") }.count.isMultiple(of: 2)
      if isContinued { text[text.count - 1] = 0x20 }
      let joined = (pending?.text ?? []) + text
      guard joined.count <= TextLines.longestLine * 16 else {
        throw NativeActionError(
          .limitExceeded, at: "\(file):\(line.number)", "a continued line without an end")
      }
      let number = pending?.number ?? line.number
      pending = isContinued ? (number, joined) : nil
      if !isContinued, !joined[...].trimmed.isEmpty { result.append((number, joined[...].trimmed)) }
    }
    if let pending, !pending.text[...].trimmed.isEmpty {
      result.append((pending.number, pending.text[...].trimmed))
    }
    return result
  }
}
