internal import NativeActions

extension Rule {
  /// Libraries and loaders that a program asks for and the image does not have.
  static let elfNeeded = Rule(name: "elf-needed") { root in
    var findings: [(path: String, message: String)] = []
    for file in root.files {
      if let problem = file.scan.elfProblem { findings.append((file.path, problem)) }
      if file.scan.isForeignProgram, file.node.mode & 0o111 != 0 {
        findings.append((file.path, "is a 32-bit program, whose libraries no image has: drop it"))
      }
      guard let loader = file.scan.elf?.interpreter, root.tree.node(at: loader)?.bytes == nil else {
        continue
      }
      findings.append(
        (file.path, "is started by \(loader), which is not in the image: keep it, or drop this"))
    }
    for (request, program) in root.loads.requests where request.library == nil {
      let place = program == request.object ? "" : " when /\(program) loads it"
      findings.append(
        (
          request.object,
          "needs the library \(request.name)\(place), which is not in the image: add its package, or drop this"
        ))
    }
    return findings
  }
}
