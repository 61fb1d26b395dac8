internal import Bytes

extension LockFile {
  /// The file's bytes: always the same for the same lock.
  package func encoded() -> [UInt8] {
    let archives = archives.map { archive in
      JSONWriter.Value.object([
        ("archive", .string(archive.archive)), ("suite", .string(archive.suite)),
        ("codename", .string(archive.codename)), ("version", .string(archive.version)),
        ("date", .string(archive.date.description)), ("sha256", .string(archive.digest.hex)),
      ])
    }
    let text = JSONWriter.text(
      .object([
        ("formatVersion", .number(Self.formatVersion)), ("image", .string(image)),
        ("architecture", .string(architecture)), ("inputs", .string(inputs.hex)),
        ("archives", .array(archives)),
        ("packages", .array(packages.sorted { $0.name < $1.name }.map(Self.value))),
      ]))
    return Array(text.utf8)
  }

  private static func value(_ package: Package) -> JSONWriter.Value {
    var members: [(key: String, value: JSONWriter.Value)] = [
      ("name", .string(package.name)), ("version", .string(package.version)),
      ("architecture", .string(package.architecture)), ("archive", .string(package.archive)),
      ("path", .string(package.path)), ("size", .number(package.size)),
      ("sha256", .string(package.digest.hex)),
      ("source", .string(package.source)), ("role", .string(package.role.rawValue)),
      ("why", .strings(package.why)),
    ]
    // Most packages have neither: leaving them out keeps the file readable.
    if !package.scripts.isEmpty { members.append(("scripts", .array(package.scripts.map(value)))) }
    if !package.triggers.isEmpty { members.append(("triggers", .array(package.triggers.map(value)))) }
    return .object(members)
  }

  private static func value(_ script: Script) -> JSONWriter.Value {
    var members: [(key: String, value: JSONWriter.Value)] = [
      ("name", .string(script.name)), ("sha256", .string(script.digest.hex)),
      ("class", .string(script.scriptClass.rawValue)),
    ]
    if !script.actions.isEmpty { members.append(("actions", .strings(script.actions))) }
    return .object(members)
  }

  private static func value(_ trigger: Trigger) -> JSONWriter.Value {
    .object([("text", .string(trigger.text)), ("class", .string(trigger.triggerClass.rawValue))])
  }
}
