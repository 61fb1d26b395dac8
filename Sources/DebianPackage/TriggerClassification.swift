/// The judgement of one line of a package's `triggers` file (deb-triggers(5)).
package struct TriggerClassification: Sendable, Equatable {
  /// The directive and its argument, with one blank between.
  package let text: String
  /// The line in the file, counted from 1.
  package let line: Int
  /// `known` if the package activates a trigger; `inert` if it only listens.
  package let `class`: ScriptClass
  /// What the builder has to do.
  package let action: ScriptAction?
}

/// Judges the triggers of packages: none is ever run.
package enum TriggerClassifier {
  private static let maximumLines = 10_000

  /// Judges a `triggers` file.
  ///
  /// `activate…` asks others to work: what that work is for an image, the builder does itself, or it has no place in
  /// one (`update-initramfs`). `interest…` asks the package's own postinst to work, which is judged as a script.
  /// - Parameter file: how errors call the input.
  /// - Throws: `malformedTriggers` for a directive that dpkg does not know, naming `file:line`; `limit`.
  package static func classify(
    _ triggers: [UInt8], file: String
  ) throws(DebianPackageError) -> [TriggerClassification] {
    var result: [TriggerClassification] = []
    let lines = triggers.split(
      separator: ASCII.newline, maxSplits: maximumLines, omittingEmptySubsequences: false)
    guard lines.count <= maximumLines else {
      throw DebianPackageError(.limit, "\(file) has more than \(maximumLines) lines")
    }
    for (index, bytes) in lines.enumerated() {
      let content = bytes.prefix { $0 != ASCII.numberSign }
      let words = content.split { ASCII.isBlank($0) || $0 == ASCII.carriageReturn }
      if words.isEmpty { continue }
      let label = "\(file):\(index + 1)"
      guard words.count == 2, words.allSatisfy({ $0.allSatisfy { $0 > ASCII.space && $0 < 0x7F } }) else {
        throw DebianPackageError(
          .malformedTriggers, "\(label): a line is not a directive and one trigger's name")
      }
      let directive = String(decoding: words[0], as: UTF8.self)
      let name = String(decoding: words[1], as: UTF8.self)
      let isActivation: Bool
      switch directive {
      case "activate", "activate-await", "activate-noawait": isActivation = true
      case "interest", "interest-await", "interest-noawait": isActivation = false
      default:
        throw DebianPackageError(
          .malformedTriggers,
          "\(label): “\(directive)” is not a directive of deb-triggers(5); is the package sound?")
      }
      result.append(
        TriggerClassification(
          text: "\(directive) \(name)", line: index + 1, class: isActivation ? .known : .inert,
          action: isActivation ? action(forActivating: name) : nil))
    }
    return result
  }

  /// What activating a trigger asks of the builder; `nil` if its work has no place in an image.
  static func action(forActivating name: String) -> ScriptAction? {
    switch name {
    case "ldconfig": .ldconfig
    case "update-ca-certificates", "update-ca-certificates-fresh": .caCertificates
    default: nil
    }
  }
}
