internal import ArgumentParser
internal import BootServer
internal import Signing

/// `netimg publish`
struct PublishCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "publish",
    abstract: "Put a release into a boot server's library.",
    discussion: """
      Checks the release from its signature down to every frame, copies it to LIBRARY/releases/DIGEST, and makes it
      visible in one step: a server sees all of it or nothing. The same release once more changes nothing; one that was
      damaged there is put right. A library on another host takes a directory that is mounted here, or a copy of it.

      Examples:
        netimg publish out/minimal --to /var/lib/netimg/library --key build
        netimg publish out/minimal --to ./library --unsigned
      """)

  @Argument(help: "The release's directory.", completion: .directory)
  var release: String

  @Option(
    name: .long, help: ArgumentHelp("The library's directory.", valueName: "directory"),
    completion: .directory)
  var to: String

  @Option(name: .long, help: "A key that is trusted: a name, an identifier or a .pub file; may repeat.")
  var key: [String] = []

  @Option(name: .long, help: "How many of the keys must have signed.")
  var threshold = 1

  @Flag(help: "Do not look at the signature.")
  var unsigned = false

  @OptionGroup var ring: KeyRingOptions
  @OptionGroup var common: CommonOptions

  func validate() throws {
    if unsigned != key.isEmpty {
      throw ValidationError("Give --key for each key that is trusted, or --unsigned.")
    }
    guard threshold >= 1 else { throw ValidationError("--threshold is at least 1.") }
    if to.hasPrefix("http://") || to.hasPrefix("https://") {
      throw ValidationError("--to takes a directory: netimg serve has no API to publish through.")
    }
  }

  func run() async throws {
    let keys = try key.map { try ring.publicKey($0) }
    let progress = common.progress()
    progress.begin("Verifying and publishing")
    let result = try await ReleasePublisher(library: to).publish(release, keys: keys, threshold: threshold)
    progress.end()
    if common.json {
      return Console.json(
        Report(
          outcome: result.outcome, name: result.name, version: result.version, digest: result.digest,
          path: result.path, bytes: result.bytes))
    }
    let what =
      switch result.outcome {
      case .published: "published"
      case .unchanged: "is there already, and well"
      case .repaired: "was damaged there, and is put right"
      }
    Console.out("\(result.name) \(result.version), sha256:\(result.digest), \(what): \(result.path)")
  }

  private struct Report: Encodable {
    let outcome: ReleasePublisher.Outcome
    let name: String
    let version: String
    let digest: String
    let path: String
    let bytes: Int
  }
}
