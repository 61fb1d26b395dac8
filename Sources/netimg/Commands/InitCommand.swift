internal import ArgumentParser
internal import FoundationEssentials
internal import Scaffold

/// `netimg init`
struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init",
    abstract: "Lay out a repository for an image of your own.",
    discussion: flowing(
      """
      Writes a manifest, the component that every image starts from, a small component of your own with a web page, and
      a script that boots the result in QEMU. It can be locked, built and booted as it is; docs/tutorial.md goes on from
      there. Nothing that is there is replaced: files of yours in the way stop it before anything is written.

      Examples:
        netimg init router                 in the new directory router, for the image router
        netimg init --name edge-router     here
      """))

  @Argument(
    help: "The repository's directory (default: this one); it is made if it is not there.",
    completion: .directory)
  var directory: String?

  @Option(help: "The image's name (default: the directory's).")
  var name: String?

  @OptionGroup var common: CommonOptions

  func run() throws {
    let scaffold = try Scaffold(name: name ?? directoryName)
    let directory = directory ?? "."
    let outcome = try scaffold.write(to: directory) { Interruption.remember($0) }
    let manifest = "manifests/\(scaffold.name).yaml"
    if common.json {
      Console.json(
        InitReport(
          directory: directory, name: scaffold.name, manifest: manifest, written: outcome.written,
          present: outcome.present))
      return
    }
    guard !outcome.written.isEmpty else {
      return Console.out("\(directory): everything is there already")
    }
    let enter = directory == "." ? "" : "\n  cd \(directory)"
    Console.out(
      """
      \(directory): a repository for the image \(scaffold.name), \(outcome.written.count) files; README.md says which.
      Next:\(enter)
        netimg lock \(manifest)
        netimg build \(manifest)
        ./boot out/\(scaffold.name)-0.1.0
      """)
  }

  /// The last component of the directory's path.
  private var directoryName: String {
    var path = directory ?? "."
    if !path.hasPrefix("/") { path = "\(FileManager.default.currentDirectoryPath)/\(path)" }
    var components: [Substring] = []
    for component in path.split(separator: "/") where component != "." {
      if component == ".." { _ = components.popLast() } else { components.append(component) }
    }
    return components.last.map(String.init) ?? ""
  }
}

/// What `netimg init --json` prints.
private struct InitReport: Encodable {
  let directory: String
  let name: String
  let manifest: String
  let written: [String]
  let present: [String]
}
