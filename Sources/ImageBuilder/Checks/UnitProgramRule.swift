internal import NativeActions

extension Rule {
  /// Programs that units start and that are not there, for units that can start, and units that cannot for want of
  /// another one: see `ReachableUnits`.
  static let unitProgram = Rule(name: "unit-program") { root in
    let reachable = ReachableUnits(root.tree)
    var findings = reachable.unreadable.map {
      (path: $0.path, message: "cannot be read, so nobody knows what it starts: \($0.problem)")
    }
    findings += reachable.missing.map { missing in
      let state = missing.isMasked ? "is masked" : "is not in the image"
      return (
        missing.path,
        "cannot start without \(missing.name) (\(missing.reason)), which \(state): add it, or mask this unit too"
      )
    }
    if root.tree["usr/lib/systemd/systemd"] != nil,
      root.tree.resolve("usr/lib/systemd/system/default.target") == nil,
      root.tree.resolve("etc/systemd/system/default.target") == nil
    {
      findings.append(
        (
          "usr/lib/systemd/system/default.target",
          "is not in the image, so systemd starts nothing: add it or a link"
        ))
    }
    for unit in reachable.units where canStart(unit.file, root) && !hasOtherRoot(unit.file) {
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
      isAbsolute ? [program] : searchPath.map { "\($0)/\(program)" }
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
    guard let interpreter = words.first.map({ String(decoding: $0, as: UTF8.self) }) else { return nil }
    guard root.tree.node(at: interpreter)?.bytes != nil else {
      return "a script for \(interpreter), which is not in the image: drop the unit"
    }
    // env(1) looks for the first word that is neither an option nor an assignment.
    guard RootTree.name(of: interpreter) == "env",
      let name = words.dropFirst().map({ String(decoding: $0, as: UTF8.self) })
        .first(where: { !$0.hasPrefix("-") && !$0.contains("=") })
    else { return nil }
    let places = name.contains("/") ? [name] : searchPath.map { "\($0)/\(name)" }
    return places.contains { root.tree.node(at: $0)?.bytes != nil }
      ? nil : "a script for \(name), which is not in the image: drop the unit"
  }

  /// Where systemd looks for a program without a path.
  private static let searchPath = ["usr/local/sbin", "usr/local/bin", "usr/sbin", "usr/bin"]

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
