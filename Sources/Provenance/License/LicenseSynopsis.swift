/// The first line of a License field (copyright-format 1.0, section 7.2), such as `GPL-2+ or Artistic, and BSD`:
/// `and` binds tighter than `or`, and a comma weaker than both.
enum LicenseSynopsis {
  /// The synopsis as SPDX writes it; `reference` gives the identifier of what the SPDX list does not have.
  static func parse(_ text: String, reference: (String) -> String) -> SPDXLicense? {
    let groups = split(text.split(whereSeparator: \.isWhitespace).joined(separator: " "))
    // What follows a comma says with its first word how it joins what came before.
    var alternatives: [[SPDXLicense]] = [[]]
    for group in groups {
      guard let license = parseGroup(group.text, reference) else { continue }
      if group.isAlternative { alternatives.append([]) }
      alternatives[alternatives.count - 1].append(license)
    }
    return .disjunction(alternatives.compactMap { .conjunction($0) })
  }

  private static func split(_ text: String) -> [(text: String, isAlternative: Bool)] {
    text.split(separator: ",").map { part in
      let words = part.split(separator: " ")
      let first = words.first?.lowercased()
      let rest = first == "and" || first == "or" ? words.dropFirst() : words[...]
      return (rest.joined(separator: " "), first == "or")
    }
  }

  private static func parseGroup(_ text: String, _ reference: (String) -> String) -> SPDXLicense? {
    var alternatives: [[String]] = [[]]
    var words: [Substring] = []
    func flush() {
      guard !words.isEmpty else { return }
      alternatives[alternatives.count - 1].append(words.joined(separator: " "))
      words = []
    }
    for word in text.split(separator: " ") {
      switch word.lowercased() {
      case "or":
        flush()
        alternatives.append([])
      case "and": flush()
      default: words.append(word)
      }
    }
    flush()
    return .disjunction(
      alternatives.compactMap { names in
        .conjunction(names.map { .simple(identifier($0) ?? reference($0)) })
      })
  }

  /// A short name, perhaps `with NAME exception`.
  private static func identifier(_ name: String) -> String? {
    let words = name.split(separator: " ").map(String.init)
    if words.count == 1 { return SPDXLicenseList.identifier(name) }
    guard words.count >= 3, words[1].lowercased() == "with",
      let license = SPDXLicenseList.identifier(words[0])
    else { return nil }
    let rest = words.dropFirst(2).filter { $0.lowercased() != "exception" }.joined(separator: "-")
    return SPDXLicenseList.exception(rest).map { "\(license) WITH \($0)" }
  }
}
