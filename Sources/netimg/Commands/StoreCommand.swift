internal import ArgumentParser
internal import BlobStore
internal import Bytes

/// `netimg store`
struct StoreCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store", abstract: "Look after the content store: size, checks, garbage, exports.",
    discussion: flowing(
      """
      The store keeps what is downloaded and what builds derive from it, by content. docs/store.md explains it.
      """),
    subcommands: [
      StoreInfoCommand.self, StoreVerifyCommand.self, StoreCollectCommand.self, StoreExportCommand.self,
      StoreImportCommand.self,
    ])
}

/// `netimg store info`
struct StoreInfoCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "info", abstract: "Say where the store is and what is in it.")

  @OptionGroup var store: StoreOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    let blobs = try store.open()
    let usage = try blobs.usage()
    if common.json {
      Console.json(Report(store: blobs.root, bytes: usage.bytes, usage: usage))
      return
    }
    func line(_ name: String, _ amount: BlobStore.Usage.Amount) -> String {
      "\n  \(name): \(amount.count), \(Quantity.bytes(amount.bytes))"
    }
    var text = "\(blobs.root): \(Quantity.bytes(usage.bytes))" + line("blobs", usage.blobs)
    for (kind, amount) in usage.records.sorted(by: { $0.key < $1.key }) {
      text += line("records of \(kind)", amount)
    }
    if usage.partial.count > 0 { text += line("unfinished downloads", usage.partial) }
    if usage.corrupt.count > 0 { text += line("damaged entries", usage.corrupt) }
    Console.out(text)
  }

  private struct Report: Encodable {
    let store: String
    let bytes: Int
    let usage: BlobStore.Usage
  }
}

/// `netimg store verify`
struct StoreVerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Hash every blob; remove those that are damaged.",
    discussion: "Exit status 2 if there were any. Builds notice by themselves, and fetch or make them again.")

  @OptionGroup var store: StoreOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    let blobs = try store.open()
    let progress = common.progress()
    progress.begin("Checking the store")
    var count = 0
    let damaged = try blobs.verifyAll {
      count = $1
      progress.update(done: $0, total: $1, isBytes: false)
    }
    progress.end()
    if common.json {
      Console.json(Report(store: blobs.root, checked: count, damaged: damaged.map(\.hex)))
    } else {
      Console.out(
        damaged.map { "damaged, removed: \($0.hex)\n" }.joined()
          + "\(count) blobs checked, \(damaged.count) damaged")
    }
    if !damaged.isEmpty { throw ExitCode(ExitStatus.difference) }
  }

  private struct Report: Encodable {
    let store: String
    let checked: Int
    let damaged: [String]
  }
}

/// `netimg store gc`
struct StoreCollectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc", abstract: "Remove what was not used for longest, until the store is small enough.",
    discussion: flowing(
      """
      What running builds use stays. What goes is fetched or made again when a build wants it.

      Examples:
        netimg store gc --max-size 2GiB
        netimg store gc --max-size 500MiB --dry-run
      """))

  @Option(help: ArgumentHelp("What may be left: bytes, or with KiB, MiB or GiB.", valueName: "size"))
  var maxSize: ByteCount

  @Flag(help: "Only say what would go.")
  var dryRun = false

  @OptionGroup var store: StoreOptions
  @OptionGroup var common: CommonOptions

  func run() throws {
    let blobs = try store.open()
    let progress = common.progress()
    progress.begin("Collecting garbage")
    let result = try blobs.collectGarbage(maximumSize: maxSize.bytes, isDryRun: dryRun) {
      progress.update(done: $0, total: $1, isBytes: true)
    }
    progress.end()
    if common.json {
      Console.json(
        Report(
          store: blobs.root, dryRun: dryRun, removed: result.removed, removedBytes: result.bytes,
          left: result.left, inUse: result.inUse))
      return
    }
    Console.out(
      "\(blobs.root): \(result.removed) entries \(dryRun ? "would go" : "removed"), \(Quantity.bytes(result.bytes)); \(Quantity.bytes(result.left)) left"
    )
    if result.left > maxSize.bytes {
      Console.error("Note: running builds use \(result.inUse) more entries: run it again when they are done")
    }
  }

  private struct Report: Encodable {
    let store: String
    let dryRun: Bool
    let removed: Int
    let removedBytes: Int
    let left: Int
    let inUse: Int
  }
}
