internal import ArgumentParser
internal import Channels
internal import FoundationEssentials
internal import UpdateFramework

/// The repository that a verb is about.
struct RepositoryOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The repository: its directory, or the address of the netimg serve that keeps it.",
      valueName: "directory-or-url"),
    completion: .directory)
  var repo = "repository"

  @OptionGroup var remote: RemoteOptions

  /// Where it is, if it is not a directory.
  var address: RepositoryAddress? { RepositoryAddress(repo) }

  /// - Throws: `ValidationError` if it is behind an address.
  func directory(for what: String) throws -> RepositoryDirectory {
    guard address == nil else {
      throw ValidationError("\(what) works where the repository's directory is, and not over the network.")
    }
    return try trusted()
  }

  /// The repository: its directory's state, or what was fetched and verified.
  func open() async throws -> OpenRepository {
    guard let address else {
      return OpenRepository(state: try ChannelRepository(trusted()), remote: nil)
    }
    let remote = try await remote.open(address)
    return OpenRepository(state: remote.repository, remote: remote)
  }

  /// The repository, or `nil` before there is one.
  func openIfPresent() async throws -> OpenRepository? {
    if address == nil, try Repository.load(trusted()) == nil { return nil }
    return try await open()
  }

  /// A proposal in a file, or one that waits at the server under that name.
  func proposal(_ name: String) async throws -> (proposal: Proposal, isFile: Bool) {
    if let address, !FileManager.default.fileExists(atPath: name), !name.contains("/") {
      let path = "repository/proposals/\(FileNames.escaped(name))"
      let bytes = try await remote.control(address).send("GET", path)
      return (try Proposal(bytes, source: "\(address.repository): \(name)"), false)
    }
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: name)))
    return (try Proposal(bytes, source: name), true)
  }
}

/// A repository that was opened.
struct OpenRepository {
  let state: ChannelRepository
  /// What fetches more of it, if it is behind an address.
  let remote: RemoteRepository?
}
