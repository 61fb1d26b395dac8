/// The name of a systemd unit (systemd.unit(5)): `name.type`, `name@.type` for a template, `name@instance.type`.
package struct UnitName: Hashable, Sendable {
  /// The whole name.
  package let text: String
  /// Up to the `@`, or to the type.
  package let prefix: String
  /// Between `@` and the type: empty for a template, `nil` for a plain unit.
  package let instance: String?
  /// `service`, `socket` and so on.
  package let type: String

  private static let types: Set<String> = [
    "service", "socket", "target", "device", "mount", "automount", "swap", "timer", "path", "slice", "scope",
  ]

  /// `nil` for what systemd would not take as a unit's name.
  package init?(_ text: String) {
    guard (2...255).contains(text.utf8.count), let dot = text.lastIndex(of: "."),
      Self.types.contains(String(text[text.index(after: dot)...]))
    else { return nil }
    let stem = text[..<dot]
    let isClean = stem.utf8.allSatisfy { byte in
      (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        || ":-_.\\@".utf8.contains(byte)
    }
    guard !stem.isEmpty, isClean else { return nil }
    self.text = text
    type = String(text[text.index(after: dot)...])
    if let at = stem.firstIndex(of: "@") {
      guard at > stem.startIndex else { return nil }
      prefix = String(stem[..<at])
      instance = String(stem[stem.index(after: at)...])
    } else {
      prefix = String(stem)
      instance = nil
    }
  }

  /// Whether it stands for many: `name@.type`.
  package var isTemplate: Bool { instance == "" }

  /// The template that an instance is made from; `nil` for a plain unit.
  package var template: UnitName? { instance == nil ? nil : UnitName("\(prefix)@.\(type)") }

  /// The template's instance of that name; `nil` if it is no template, or the name does not fit.
  package func instantiated(_ instance: String) -> UnitName? {
    isTemplate ? UnitName("\(prefix)@\(instance).\(type)") : nil
  }
}
