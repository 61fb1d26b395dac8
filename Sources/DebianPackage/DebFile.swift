/// A binary package file (deb(5)), checked and opened in memory; nothing of it is ever executed.
package struct DebFile: Sendable {
  /// How errors call the package file.
  package let name: String
  /// The `control` file: one paragraph with at least `Package`, `Version` and `Architecture`.
  package let control: ControlParagraph
  /// The `Package` field.
  package let packageName: String
  /// The `Version` field.
  package let version: DebianVersion
  /// The `Architecture` field.
  package let architecture: String
  /// The maintainer scripts that the package has, as they are.
  package let scripts: [ScriptName: [UInt8]]
  /// The `triggers` file (deb-triggers(5)), if there is one.
  package let triggers: [UInt8]?
  /// The paths in `conffiles` (deb-conffiles(5)) that are installed, without their first slash, in file order.
  package let conffiles: [String]
  /// The `md5sums` file as it is, if there is one.
  package let md5sums: [UInt8]?

  let bytes: [UInt8]
  let data: ArchiveMembers.Member
  let limits: DebLimits

  /// Opens a package and reads its control archive; the data archive waits for ``entries(wanting:)``.
  ///
  /// - Parameter name: how errors call the package file, usually its file name.
  /// - Throws: `corrupt`, `unsupported`, `duplicate`, `limit`, `unsafePath`, `unsafeKind`, `malformedControl` or
  ///   `malformedVersion`; the sentence names the package file and the member.
  package init(
    bytes: [UInt8], name: String, limits: DebLimits = .standard
  ) throws(DebianPackageError) {
    let (control, data) = try Self.parts(of: ArchiveMembers(bytes, file: name), bytes, name)
    let files = try Self.controlFiles(bytes, control, name, limits)
    guard let text = files["control"] else {
      throw DebianPackageError(.malformedControl, "\(name): \(control.name) has no file “control”")
    }
    let paragraph = try ControlParagraph.parseSingle(text, file: "\(name): control")
    func required(_ field: String) throws(DebianPackageError) -> String {
      guard let value = paragraph[field], !value.isEmpty else {
        throw DebianPackageError(.malformedControl, "\(name): control has no field “\(field)”")
      }
      return value
    }
    packageName = try required("Package")
    guard Self.isPackageName(packageName) else {
      throw DebianPackageError(.malformedControl, "\(name): “\(packageName)” is not a package name")
    }
    let versionText = try required("Version")
    do throws(DebianPackageError) {
      version = try DebianVersion(versionText)
    } catch {
      throw DebianPackageError(error.code, "\(name): control: \(error.description)")
    }
    architecture = try required("Architecture")
    self.control = paragraph
    var scripts: [ScriptName: [UInt8]] = [:]
    for script in ScriptName.allCases { scripts[script] = files[script.rawValue] }
    self.scripts = scripts
    triggers = files["triggers"]
    md5sums = files["md5sums"]
    conffiles = try Self.conffiles(files["conffiles"] ?? [], name, limits)
    self.name = name
    self.bytes = bytes
    self.data = data
    self.limits = limits
  }

  /// `debian-binary`, the control archive, the data archive, in this order; others only if they begin with `_`.
  private static func parts(
    of archive: ArchiveMembers, _ bytes: [UInt8], _ name: String
  ) throws(DebianPackageError) -> (control: ArchiveMembers.Member, data: ArchiveMembers.Member) {
    let members = archive.members.filter { !$0.name.hasPrefix("_") }
    guard members.count == 3, archive.members.first?.name == "debian-binary" else {
      throw DebianPackageError(
        .corrupt,
        "\(name) does not hold debian-binary, a control archive and a data archive, in this order and no more"
      )
    }
    guard bytes[members[0].range].elementsEqual("2.0\n".utf8) else {
      throw DebianPackageError(.unsupported, "\(name): debian-binary names another format than 2.0")
    }
    let endings = Compression.allCases.map(\.fileExtension)
    guard endings.contains(where: { members[1].name == "control.tar" + $0 }) else {
      throw DebianPackageError(
        .unsupported, "\(name): \(members[1].name) is not a control archive that is known")
    }
    guard endings.contains(where: { members[2].name == "data.tar" + $0 }) else {
      throw DebianPackageError(
        .unsupported, "\(name): \(members[2].name) is not a data archive that is known")
    }
    return (members[1], members[2])
  }

  /// deb-control(5): lower-case letters, digits and `+-.`, two at least, the first a letter or a digit.
  private static func isPackageName(_ name: String) -> Bool {
    let bytes = Array(name.utf8)
    func isAlphanumeric(_ byte: UInt8) -> Bool {
      ASCII.isDigit(byte) || (ASCII.isLetter(byte) && byte == ASCII.lowercased(byte))
    }
    guard (2...128).contains(bytes.count), isAlphanumeric(bytes[0]) else { return false }
    return bytes.allSatisfy { isAlphanumeric($0) || "+-.".utf8.contains($0) }
  }
}
