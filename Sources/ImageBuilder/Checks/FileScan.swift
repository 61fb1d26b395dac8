internal import NativeActions

/// What one pass over a file's bytes tells the rules.
struct FileScan: Sendable {
  /// The file as ELF; `nil` if it is none, or a broken or foreign one.
  let elf: ELFFile?
  /// Why something that begins as ELF could not be read.
  let elfProblem: String?
  /// Which of `Marker`'s strings occur; looked for in ELF files only.
  let markers: Set<Marker>
  /// The kinds of secrets that are in it, such as `an AWS access key`, with the offset of the first of each.
  let secrets: [String: Int]

  /// Strings that give a program away under any name.
  enum Marker: String, Sendable, CaseIterable {
    /// The two services that RFC 4252 and RFC 4254 make every SSH implementation name.
    case sshAuthentication = "ssh-userauth"
    case sshConnection = "ssh-connection"
    case bash = "BASH_VERSINFO"
    case busybox = "BusyBox v"
    case zsh = "ZSH_VERSION"
    case korn = "KSH_VERSION"
    case fish = "fish_greeting"
    /// The first value of PS4 in dash's and BusyBox's tables of variables.
    case almquist = "PS4=+ "

    static let shells: Set<Marker> = [.bash, .busybox, .zsh, .korn, .fish, .almquist]
  }

  private static let patterns = PatternSet(
    SecretPattern.all.map { Array($0.start.utf8) } + Marker.allCases.map { Array($0.rawValue.utf8) })

  init(_ bytes: [UInt8], path: String) {
    var markers: Set<Marker> = []
    var secrets: [String: Int] = [:]
    let isELF = ELFFile.isELF(bytes)
    Self.patterns.search(bytes) { pattern, offset in
      guard pattern < SecretPattern.all.count else {
        if isELF { markers.insert(Marker.allCases[pattern - SecretPattern.all.count]) }
        return
      }
      let secret = SecretPattern.all[pattern]
      if secrets[secret.name] == nil, secret.matches(bytes, offset) { secrets[secret.name] = offset }
    }
    if let name = BinaryKey.describe(bytes) { secrets[name] = 0 }
    self.markers = markers
    self.secrets = secrets
    guard isELF else {
      elf = nil
      elfProblem = nil
      return
    }
    do {
      elf = try ELFFile(bytes, path: path)
      elfProblem = nil
    } catch {
      elf = nil
      elfProblem = error.code == .unsupported ? nil : "\(error)"
    }
  }
}
