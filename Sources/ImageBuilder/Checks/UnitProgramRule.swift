internal import NativeActions

extension Rule {
  /// Programs that units start and that are not there, for units that can start: see `ReachableUnits`.
  static let unitProgram = Rule(name: "unit-program") { root in
    var findings: [(path: String, message: String)] = []
    for unit in ReachableUnits(root.tree).units where canStart(unit.file, root) && !hasOtherRoot(unit.file) {
      let path = String(unit.path.dropFirst())
      let programs: [UnitFile.Executable]
      do {
        programs = try unit.file.executables()
      } catch {
        findings.append((path, "\(error)"))
        continue
      }
      for program in programs where !program.mayFail && !program.program.utf8.contains(UInt8(ascii: "%")) {
        guard let problem = problem(program.program, root) else { continue }
        findings.append((path, "starts \(program.program) (\(program.origin)), \(problem)"))
      }
    }
    return findings
  }

  /// What keeps a program from being started; `nil` if nothing does.
  private static func problem(_ program: String, _ root: CheckedRoot) -> String? {
    let isAbsolute = program.utf8.first == UInt8(ascii: "/")
    if isAbsolute, CheckedRoot.isMutable(program) { return nil }
    let candidates =
      isAbsolute
      ? [program] : ["usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin"].map { "\($0)/\(program)" }
    guard let node = candidates.lazy.compactMap({ root.tree.node(at: $0) }).first, let bytes = node.bytes
    else {
      return "which is not in the image: add its package, or mask the unit"
    }
    guard node.mode & 0o111 != 0 else {
      return "which is not executable: give it the mode 0755 under permissions"
    }
    guard bytes.starts(with: "#!".utf8) else { return nil }
    let line = bytes.dropFirst(2).prefix(256).prefix { $0 != UInt8(ascii: "\n") }
    let words = line.split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
    guard let interpreter = words.first.map({ String(decoding: $0, as: UTF8.self) }),
      root.tree.node(at: interpreter)?.bytes == nil
    else { return nil }
    return "a script for \(interpreter), which is not in the image: drop the unit"
  }

  /// Whether no condition about a path of the read-only root is false for good.
  private static func canStart(_ file: UnitFile, _ root: CheckedRoot) -> Bool {
    let keys: Set<String> = [
      "ConditionPathExists", "ConditionPathIsDirectory", "ConditionFileNotEmpty", "ConditionFileIsExecutable",
      "ConditionDirectoryNotEmpty",
    ]
    return file.settings.allSatisfy { setting in
      guard setting.section == "Unit", keys.contains(setting.key),
        setting.value.utf8.first == UInt8(ascii: "/"),
        !CheckedRoot.isMutable(setting.value), !setting.value.utf8.contains(UInt8(ascii: "%"))
      else { return true }
      return root.tree.node(at: setting.value) != nil
    }
  }

  /// Whether its programs are looked for in another image.
  private static func hasOtherRoot(_ file: UnitFile) -> Bool {
    file.value("Service", "RootImage") != nil || file.value("Service", "RootDirectory") != nil
  }
}
