internal import DebianPackage
internal import NativeActions

/// What one pass over a file's bytes tells the rules.
struct FileScan: Sendable {
  /// The file as ELF; `nil` if it is none, or a broken or foreign one.
  let elf: ELFFile?
  /// Why something that begins as ELF could not be read.
  let elfProblem: String?
  /// Whether it is a program for a 32-bit dynamic loader, whose libraries nobody looks for.
  let isForeignProgram: Bool
  /// Which of `Marker`'s strings occur; looked for in ELF files and in scripts that libraries are made of.
  let markers: Set<Marker>
  /// The kinds of secrets that are in it, such as `an AWS access key`, with the offset of the first of each.
  let secrets: [String: Int]
  /// Where the hash of a password begins; not looked for in ELF files.
  let passwordHash: Int?
  /// Whether the offsets count in what the file holds compressed.
  let isCompressed: Bool

  /// Strings that give a program away under any name.
  enum Marker: String, Sendable, CaseIterable {
    /// The two services that RFC 4252 and RFC 4254 make every SSH implementation name.
    case sshAuthentication = "ssh-userauth"
    case sshConnection = "ssh-connection"
    case bash = "BASH_EXECUTION_STRING"
    case busybox = "BusyBox v"
    case toybox = "Toybox %s multicall"
    case zsh = "ZSH_EVAL_CONTEXT"
    case korn = "KSH_VERSION"
    case yash = "YASH_VERSION"
    case fish = "Fish cannot find its asset files"
    case elvish = "src.elv.sh"
    case sash = "Exit from sash"
    case tcsh = "csh.cshrc"
    /// The first value of PS4 in dash's, BusyBox's and posh's tables of variables.
    case almquist = "PS4=+ "
    /// An option of agetty(8), one of su(1) and runuser(1), what login(1) writes to its log, doas(1)'s configuration.
    case agetty = "login-pause"
    case switchUser = "session-command"
    case login = "TOO MANY LOGIN TRIES"
    case doas = "doas.conf"

    static let shells: Set<Marker> = [
      .bash, .busybox, .toybox, .zsh, .korn, .yash, .fish, .elvish, .sash, .tcsh, .almquist,
    ]
    static let logins: Set<Marker> = [.agetty, .switchUser, .login, .doas]
  }

  private static let patterns = PatternSet(
    SecretPattern.all.map { Array($0.start.utf8) } + Marker.allCases.map { Array($0.rawValue.utf8) })

  /// Compressed files are looked into as far as this, in bytes.
  private static let largestContent = 64 << 20
  /// What is written in these languages is a program although it is no ELF file.
  private static let scripts = [".py", ".pyc", ".pl", ".pm", ".rb", ".js", ".lua"]

  /// - Parameter path: absolute; some kinds of secrets have no form of their own, only a place.
  init(_ bytes: [UInt8], path: String) {
    let isELF = ELFFile.isELF(bytes)
    let content = isELF ? nil : Self.decompressed(bytes)
    isCompressed = content != nil
    let text = content ?? bytes
    let isProgram = isELF || Self.scripts.contains(where: path.hasSuffix)
    var markers: Set<Marker> = []
    var secrets: [String: Int] = [:]
    Self.patterns.search(text) { pattern, offset in
      guard pattern < SecretPattern.all.count else {
        if isProgram { markers.insert(Marker.allCases[pattern - SecretPattern.all.count]) }
        return
      }
      let secret = SecretPattern.all[pattern]
      if secrets[secret.name] == nil, secret.matches(text, offset) { secrets[secret.name] = offset }
    }
    if let name = BinaryKey.describe(text) { secrets[name] = 0 }
    for (name, offset) in PlacedSecret.find(in: text, path: path) where secrets[name] == nil {
      secrets[name] = offset
    }
    self.markers = markers
    self.secrets = secrets
    passwordHash = isELF ? nil : PasswordHash.first(in: text)
    guard isELF else {
      elf = nil
      elfProblem = nil
      isForeignProgram = false
      return
    }
    isForeignProgram = ELFFile.isProgram32(bytes)
    do {
      elf = try ELFFile(bytes, path: path)
      elfProblem = nil
    } catch {
      elf = nil
      elfProblem = error.code == .unsupported ? nil : "\(error)"
    }
  }

  /// What a compressed file holds; `nil` for one that is not compressed, damaged, or larger than is looked into.
  private static func decompressed(_ bytes: [UInt8]) -> [UInt8]? {
    let kinds: [(magic: [UInt8], compression: Compression)] = [
      ([0x1F, 0x8B, 0x08], .gzip), ([0xFD, 0x37, 0x7A, 0x58, 0x5A, 0x00], .xz),
      ([0x28, 0xB5, 0x2F, 0xFD], .zstd), (Array("BZh".utf8), .bzip2),
    ]
    guard let kind = kinds.first(where: { bytes.starts(with: $0.magic) }) else { return nil }
    return try? Decompressor.decompress(
      bytes, as: kind.compression, limit: largestContent, name: "a compressed file")
  }
}
