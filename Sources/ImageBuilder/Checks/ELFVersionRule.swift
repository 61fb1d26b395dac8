internal import NativeActions

extension Rule {
  /// Symbol versions that a program asks of a library which has others.
  static let elfVersion = Rule(name: "elf-version") { root in
    let search = LibrarySearch(root)
    var definitions: [String: Set<String>] = [:]
    var findings: [(path: String, message: String)] = []
    for file in root.files {
      guard let elf = file.scan.elf else { continue }
      for need in elf.versionNeeds {
        // One that is missing altogether is another rule's; without any versions the loader takes what there is.
        guard let path = search.find(need.file, for: elf, at: file.path), let library = root.scan(path)?.elf,
          !library.versionDefinitions.isEmpty
        else { continue }
        let defined = definitions[path] ?? Set(library.versionDefinitions)
        definitions[path] = defined
        for version in need.versions where !defined.contains(version) {
          findings.append(
            (
              file.path,
              "needs \(version) of \(need.file), which /\(path) does not have: use packages of one suite"
            ))
        }
      }
    }
    return findings
  }
}
