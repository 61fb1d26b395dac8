/// One paragraph of a control file (deb822(5)): fields in their order, looked up without regard to case.
package struct ControlParagraph: Sendable, Equatable {
  /// One field.
  package struct Field: Sendable, Equatable {
    /// The name as written, without the colon.
    package let name: String
    /// The value without surrounding blanks; each continuation line follows a newline, without its first blank.
    package let value: String

    package init(name: String, value: String) {
      self.name = name
      self.value = value
    }
  }

  /// The fields, in the order of the file; no two names are equal when case is ignored.
  package let fields: [Field]
  /// The line of the first field, counted from 1.
  package let line: Int

  /// Fields as they were read elsewhere; no two names may be equal when case is ignored.
  package init(fields: [Field], line: Int = 1) {
    self.fields = fields
    self.line = line
  }

  /// The value of the field `name`, ignoring ASCII case; `nil` if the paragraph has none.
  package subscript(_ name: String) -> String? {
    for field in fields where Self.equalIgnoringCase(field.name, name) {
      return field.value
    }
    return nil
  }

  private static func equalIgnoringCase(_ left: String, _ right: String) -> Bool {
    guard left.utf8.count == right.utf8.count else { return false }
    return zip(left.utf8, right.utf8).allSatisfy { ASCII.lowercased($0) == ASCII.lowercased($1) }
  }
}

extension ControlParagraph {
  /// Parses a whole control file, an archive's `Packages` or `Release` among them.
  ///
  /// Lines that begin with `#` are comments; a carriage return before a newline is dropped; the last line needs
  /// no newline. Limits: 1,024 fields in a paragraph, 256 bytes in a name, 16 MiB in a value.
  /// - Parameter file: how the sentences of errors call the input.
  /// - Throws: `malformedControl` or `limit`, naming `file:line`.
  package static func parse(_ bytes: [UInt8], file: String) throws(DebianPackageError) -> [ControlParagraph] {
    var paragraphs: [ControlParagraph] = []
    try forEach(in: bytes, file: file) { paragraphs.append($0) }
    return paragraphs
  }

  /// Parses like ``parse(_:file:)`` but hands over one paragraph at a time, so that 57 MB of `Packages` need not
  /// stay in memory.
  package static func forEach(
    in bytes: [UInt8], file: String, _ body: (ControlParagraph) -> Void
  ) throws(DebianPackageError) {
    var failure: DebianPackageError?
    bytes.withUnsafeBufferPointer { buffer in
      var parser = ControlParser(bytes: buffer, file: file)
      do throws(DebianPackageError) {
        while let paragraph = try parser.next() { body(paragraph) }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
  }

  /// Parses a file that must hold exactly one paragraph, as a package's `control` does.
  package static func parseSingle(_ bytes: [UInt8], file: String) throws(DebianPackageError)
    -> ControlParagraph
  {
    let paragraphs = try parse(bytes, file: file)
    guard let first = paragraphs.first else {
      throw DebianPackageError(.malformedControl, "\(file) holds no fields; one paragraph is expected")
    }
    if paragraphs.count > 1 {
      throw DebianPackageError(
        .malformedControl, "\(file):\(paragraphs[1].line): a second paragraph begins; one is expected")
    }
    return first
  }
}
