/// A text with typed variables: `{{ uki.url }}`. iPXE's own `${…}` means nothing here.
package struct ScriptTemplate: Sendable, Hashable {
  /// What a template may name, and what its values may hold.
  package enum Variable: String, Sendable, Hashable, CaseIterable {
    case deviceName = "device.name"
    case releaseName = "release.name"
    case releaseVersion = "release.version"
    case releaseDigest = "release.digest"
    case ukiURL = "uki.url"
    case kernelURL = "kernel.url"
    case initrdURL = "initrd.url"
    case commandLine = "kernel.commandLine"
    case message = "message"

    /// One visible ASCII word, or a line that may hold spaces.
    var isWord: Bool {
      switch self {
      case .deviceName, .releaseName, .releaseVersion, .releaseDigest, .ukiURL, .kernelURL, .initrdURL: true
      case .commandLine, .message: false
      }
    }
  }

  private enum Piece: Sendable, Hashable {
    case text(String)
    case variable(Variable)
  }
  private let pieces: [Piece]

  /// Parses a template; `file` names it in errors.
  /// - Throws: ``BootServerError`` `.template`, with line and column.
  package init(_ text: String, file: String) throws(BootServerError) {
    var pieces: [Piece] = []
    var rest = text[...]
    while let open = rest.firstRange(of: "{{") {
      pieces.append(.text(String(rest[..<open.lowerBound])))
      guard let close = rest[open.upperBound...].firstRange(of: "}}") else {
        throw Self.error(at: open.lowerBound, in: text, file, "{{ has no }}")
      }
      let name = rest[open.upperBound..<close.lowerBound].split(separator: " ").joined(separator: " ")
      guard let variable = Variable(rawValue: name) else {
        let known = Variable.allCases.map(\.rawValue).joined(separator: ", ")
        throw Self.error(
          at: open.lowerBound, in: text, file, "there is no variable \(name); use one of \(known)")
      }
      pieces.append(.variable(variable))
      rest = rest[close.upperBound...]
    }
    pieces.append(.text(String(rest)))
    self.pieces = pieces
  }

  /// The variables that it names, each once, in their order.
  package var variables: [Variable] {
    var seen: Set<Variable> = []
    return pieces.compactMap { piece in
      guard case .variable(let variable) = piece, seen.insert(variable).inserted else { return nil }
      return variable
    }
  }

  /// The text with the values in it.
  /// - Throws: ``BootServerError`` `.template` for a variable without a value, or a value that would be more than that
  ///   in a script: a second line, a second word, or one of iPXE's own variables.
  package func render(_ values: [Variable: String]) throws(BootServerError) -> String {
    var text = ""
    for piece in pieces {
      switch piece {
      case .text(let fixed): text += fixed
      case .variable(let variable):
        guard let value = values[variable] else {
          throw BootServerError(
            .template, "the template needs \(variable.rawValue), which there is not for this device")
        }
        let lowest: UInt8 = variable.isWord ? 0x21 : 0x20
        guard value.utf8.allSatisfy({ (lowest...0x7E).contains($0) }), !value.contains("${") else {
          throw BootServerError(
            .template, "\(variable.rawValue) cannot stand in a script: it is not plain ASCII on one line")
        }
        text += value
      }
    }
    return text
  }

  private static func error(
    at index: String.Index, in text: String, _ file: String, _ message: String
  ) -> BootServerError {
    let before = text[..<index]
    let line = before.count { $0 == "\n" } + 1
    let column =
      before.distance(
        from: before.lastIndex(of: "\n").map { text.index(after: $0) } ?? text.startIndex, to: index) + 1
    return BootServerError(.template, "\(file):\(line):\(column): \(message)")
  }
}
