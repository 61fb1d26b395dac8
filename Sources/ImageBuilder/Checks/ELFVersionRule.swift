internal import NativeActions

extension Rule {
  /// Symbol versions that a program asks of a library which has others.
  static let elfVersion = Rule(name: "elf-version") { root in
    var definitions: [String: Set<String>] = [:]
    var findings: [(path: String, message: String)] = []
    for request in root.loads.requests.keys {
      // Without any versions the loader takes what there is.
      guard let path = request.library, let library = root.scan(path)?.elf,
        !library.versionDefinitions.isEmpty,
        let needs = root.scan(request.object)?.elf?.versionNeeds
      else { continue }
      let defined = definitions[path] ?? Set(library.versionDefinitions)
      definitions[path] = defined
      for version in needs.filter({ $0.file == request.name }).flatMap(\.versions)
      where !defined.contains(version) {
        findings.append(
          (
            request.object,
            "needs \(version) of \(request.name), which /\(path) does not have: use packages of one suite"
          ))
      }
    }
    return findings
  }
}
