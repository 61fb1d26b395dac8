internal import ArgumentParser
internal import Bytes
internal import FoundationEssentials
internal import ImageBuilder
internal import Inspection
internal import SecureBoot

/// `netimg inspect`
struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Show what takes room in a release: by input and by directory.",
    discussion: flowing(
      """
      By input are the packages, components and other packs that files come from, and what of their bytes is left after
      compression: a share of the frames that hold them. By directory is everything below it. A file with several names
      counts once.
      Who signed the UKI for Secure Boot is shown first; netimg verify says whether that is who it should be.

      Examples:
        netimg inspect out/minimal-1.0
        netimg inspect out/minimal-1.0 --depth 3 --limit 40
        netimg inspect out/minimal-1.0 --treemap sizes.html
      """))

  @Argument(help: "The release's directory.", completion: .directory)
  var release: String

  @Option(help: "How deep directories are listed.")
  var depth = 2

  @Option(help: "How many inputs and directories are printed, the largest first; 0 for all.")
  var limit = 20

  @Option(
    name: .long,
    help: ArgumentHelp("Draw a treemap into FILE, which ends in .svg or .html.", valueName: "file"),
    completion: .file(extensions: ["svg", "html"]))
  var treemap: String?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (0...64).contains(depth) else { throw ValidationError("--depth is 0 to 64.") }
    guard limit >= 0 else { throw ValidationError("--limit is 0 or more.") }
    if let treemap, !treemap.hasSuffix(".svg"), !treemap.hasSuffix(".html") {
      throw ValidationError("--treemap takes a file that ends in .svg or .html.")
    }
  }

  func run() throws {
    let image = try ReleaseImage(release)
    let usage = ReleaseUsage(image, depth: depth)
    if let treemap {
      let drawing = treemap.hasSuffix(".svg") ? TreemapDrawing.svg(of: image) : TreemapDrawing.html(of: image)
      try Data(drawing.utf8).write(to: URL(fileURLWithPath: treemap), options: .atomic)
    }
    let secureBoot = try ReleaseSecureBoot.signers(of: ReleaseReader(release))
    if common.json { return Console.json(InspectReport(usage: usage, secureBoot: secureBoot)) }
    Console.out(
      "\(usage.name) \(usage.version): \(usage.files) files, \(Quantity.bytes(Int(usage.bytes))), \(Quantity.bytes(Int(usage.storedBytes))) compressed"
    )
    for certificate in secureBoot {
      Console.out("Secure Boot: signed by \(certificate.name), sha256:\(certificate.fingerprint.hex)")
    }
    let count = limit == 0 ? Int.max : limit
    Console.out("\n  in image compressed  files  by input")
    for pack in usage.packs.prefix(count) {
      let name =
        pack.kind == "package" ? pack.name : pack.kind == "generated" ? "netimg" : "\(pack.kind) \(pack.name)"
      Console.out(
        "\(column(pack.bytes)) \(column(pack.storedBytes)) \(padded("\(pack.files)", 6))  \(name)\(pack.version.map { " \($0)" } ?? "")"
      )
    }
    Console.out("\n  in image             files  by directory")
    for directory in usage.directories.prefix(count) {
      Console.out(
        "\(column(directory.bytes))            \(padded("\(directory.files)", 6))  \(directory.path)")
    }
  }

  private func column(_ bytes: UInt64) -> String { padded(Quantity.bytes(Int(bytes)), 10) }

  private func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}

/// What `netimg inspect --json` prints.
private struct InspectReport: Encodable {
  let usage: ReleaseUsage
  let secureBoot: [X509Certificate]

  private enum Key: CodingKey { case secureBoot }

  func encode(to encoder: any Encoder) throws {
    try usage.encode(to: encoder)
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(secureBoot.map(SecureBootSignerRow.init), forKey: .secureBoot)
  }
}
