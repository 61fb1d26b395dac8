internal import ArgumentParser
internal import ImageBuilder

/// `netimg extract`
struct ExtractCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "extract",
    abstract: "Write a release's root image as one file.",
    discussion: """
      Every frame is checked on the way. Example:
        netimg extract out/minimal-1.0 --root-image root.img
        fsck.erofs root.img
        veritysetup verify root.img root.img ROOTHASH --hash-offset=DATASIZE    (both are in release.json)
      """)

  @Argument(help: "The release's directory.", completion: .directory)
  var release: String

  @Option(name: .long, help: ArgumentHelp("The file to write.", valueName: "file"), completion: .file())
  var rootImage: String

  @OptionGroup var common: CommonOptions

  func run() throws {
    let reader = try ReleaseReader(release)
    try ReleaseExtractor.writeRootImage(of: reader, to: rootImage)
    let root = reader.release.root
    if common.json {
      return Console.json(
        ExtractReport(file: rootImage, size: root.size, dataSize: root.dataSize, rootHash: root.hash))
    }
    Console.out("\(rootImage): \(root.size) bytes, file system \(root.dataSize), root hash \(root.hash)")
  }
}

/// What `netimg extract --json` prints.
private struct ExtractReport: Encodable {
  let file: String
  let size: UInt64
  let dataSize: UInt64
  let rootHash: String
}
