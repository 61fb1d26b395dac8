internal import ArgumentParser
internal import ImageBuilder
internal import Inspection

/// `netimg extract`
struct ExtractCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "extract",
    abstract: "Write a release's files to a directory, or its root image as one file.",
    discussion: flowing(
      """
      Every frame is checked on the way. Nothing is written outside of the directory, and nothing is replaced. Owners,
      capabilities and set-ID bits are kept if root extracts.

      Examples:
        netimg extract out/minimal-1.0 --to root
        netimg extract out/minimal-1.0 etc usr/lib/os-release --to root
        netimg extract out/minimal-1.0 --root-image root.img
        fsck.erofs root.img
        veritysetup verify root.img root.img ROOTHASH --hash-offset=DATASIZE    (both are in release.json)
      """))

  @Argument(help: "The release's directory.", completion: .directory)
  var release: String

  @Argument(help: "With --to: paths in the image, each with all below it; everything if none is named.")
  var paths: [String] = []

  @Option(
    name: .long, help: ArgumentHelp("The directory to write to.", valueName: "directory"),
    completion: .directory)
  var to: String?

  @Option(name: .long, help: ArgumentHelp("The file to write.", valueName: "file"), completion: .file())
  var rootImage: String?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    guard (to == nil) != (rootImage == nil) else { throw ValidationError("Give --to or --root-image.") }
    if rootImage != nil, !paths.isEmpty { throw ValidationError("Paths go with --to.") }
  }

  func run() throws {
    if let to { return try extract(to: to) }
    guard let rootImage else { return }
    let reader = try ReleaseReader(release)
    try ReleaseExtractor.writeRootImage(of: reader, to: rootImage)
    let root = reader.release.root
    if common.json {
      return Console.json(
        ExtractReport(file: rootImage, size: root.size, dataSize: root.dataSize, rootHash: root.hash))
    }
    Console.out("\(rootImage): \(root.size) bytes, file system \(root.dataSize), root hash \(root.hash)")
  }

  private func extract(to directory: String) throws {
    let report = try TreeExtractor.extract(paths, of: ReleaseImage(release), to: directory)
    if common.json { return Console.json(report) }
    Console.out(
      "\(directory): \(report.files) files, \(report.directories) directories, \(report.links) links, \(Quantity.bytes(Int(report.bytes)))"
    )
  }
}

/// What `netimg extract --root-image --json` prints.
private struct ExtractReport: Encodable {
  let file: String
  let size: UInt64
  let dataSize: UInt64
  let rootHash: String
}
