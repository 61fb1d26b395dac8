internal import NativeActions

extension Rule {
  /// Libraries and loaders that a program asks for and the image does not have.
  static let elfNeeded = Rule(name: "elf-needed") { root in
    let search = LibrarySearch(root)
    var findings: [(path: String, message: String)] = []
    for file in root.files {
      if let problem = file.scan.elfProblem {
        findings.append((file.path, "is not readable: \(problem)"))
      }
      guard let elf = file.scan.elf else { continue }
      if let loader = elf.interpreter, root.tree.node(at: loader)?.bytes == nil {
        findings.append(
          (file.path, "is started by \(loader), which is not in the image: keep it, or drop this"))
      }
      for name in elf.needed where search.find(name, for: elf, at: file.path) == nil {
        findings.append(
          (file.path, "needs the library \(name), which is not in the image: add its package, or drop this"))
      }
    }
    return findings
  }
}
