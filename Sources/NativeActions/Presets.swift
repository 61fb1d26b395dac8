/// systemd.preset(5): which units are enabled in a fresh system.
package struct Presets: Sendable {
  /// What a rule says.
  package enum Action: String, Sendable {
    case enable, disable, ignore
  }

  /// One line.
  package struct Rule: Sendable {
    /// `file:line`.
    package let origin: String
    package let action: Action
    /// A shell pattern for unit names.
    package let pattern: String
    /// Instances that an `enable` of a template stands for.
    package let instances: [String]
  }

  /// The verdict on one unit.
  package struct Decision: Sendable {
    package let action: Action
    /// The units to enable: the one asked about, or the instances that the rule names for a template.
    package let units: [UnitName]
    /// The rule's place; `nil` where none matches and systemd's default, to enable, applies.
    package let origin: String?
  }

  /// In the order in which they are tried.
  package private(set) var rules: [Rule] = []

  package init() {}

  /// Appends the rules of one file. The caller gives the files in the order of their base names, one for each.
  /// `malformed` names the line: systemd would skip it, and enable the unit after all.
  package mutating func append(_ bytes: [UInt8], file: String) throws(NativeActionError) {
    for line in try TextLines(bytes, file: file).lines {
      let content = line.bytes.trimmed
      guard let first = content.first, first != UInt8(ascii: "#"), first != UInt8(ascii: ";") else {
        continue
      }
      let origin = "\(file):\(line.number)"
      let words = content.words.map(\.text)
      guard let action = Action(rawValue: words[0]), words.count >= 2 else {
        throw NativeActionError(
          .malformed, at: origin, "not a preset: it reads enable, disable or ignore, and a pattern for units")
      }
      let instances = Array(words.dropFirst(2))
      if !instances.isEmpty {
        guard action == .enable, UnitName(words[1])?.isTemplate == true else {
          throw NativeActionError(
            .malformed, at: origin,
            "only an enabled template, such as getty@.service, is followed by instances")
        }
      }
      rules.append(Rule(origin: origin, action: action, pattern: words[1], instances: instances))
    }
  }

  /// The first rule that matches decides.
  package func decide(_ unit: UnitName) -> Decision {
    for rule in rules {
      if !rule.instances.isEmpty, let template = unit.template, template.text == rule.pattern {
        if unit.isTemplate {
          return Decision(
            action: rule.action, units: rule.instances.compactMap { unit.instantiated($0) },
            origin: rule.origin)
        }
        if let instance = unit.instance, rule.instances.contains(instance) {
          return Decision(action: rule.action, units: [unit], origin: rule.origin)
        }
      }
      if Glob.matches(unit.text, pattern: rule.pattern) {
        return Decision(action: rule.action, units: [unit], origin: rule.origin)
      }
    }
    return Decision(action: .enable, units: [unit], origin: nil)
  }
}
