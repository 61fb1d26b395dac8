internal import Channels
internal import FoundationEssentials
internal import Manifest
internal import ServerCore
internal import Signing
internal import UpdateFramework

/// The part of the API that changes something: releases that are sent to the repository or the library, proposals, and
/// attestations. Nobody needs a password: what is sent is signed, and counts by its signatures alone.
package struct WriteAPI: Sendable {
  let repository: RepositoryDirectory?
  let stores: [String: UploadStore]
  let intake: ProposalIntake?
  let proposals: String?
  let budget = HTTPBodyBudget(bytes: 64 << 20)
  let note: @Sendable (String) -> Void
  /// The repository's static files.
  let files: RepositoryFiles

  /// One that takes nothing.
  package init() {
    repository = nil
    stores = [:]
    intake = nil
    proposals = nil
    note = { _ in }
    files = RepositoryFiles()
  }

  /// One that takes nothing, beside the files of the repository that the settings name.
  init(filesOf settings: ServeSettings) {
    repository = nil
    stores = [:]
    intake = nil
    proposals = nil
    note = { _ in }
    let followed = settings.manifest.repository
    files = followed?.isLocal == true ? RepositoryFiles(directory: followed?.from) : RepositoryFiles()
  }

  /// - Parameter note: Told of everything that was taken.
  /// - Throws: A key in the settings that cannot be read.
  init(
    _ settings: ServeSettings, library: ReleaseLibrary, note: @escaping @Sendable (String) -> Void
  ) throws {
    self.note = note
    var limits = UploadStore.Limits()
    limits.open = settings.manifest.uploads.open
    limits.idle = settings.manifest.uploads.expire
    limits.reserve = settings.manifest.uploads.reserve << 20
    let uploads = settings.manifest.uploads
    var stores = [
      "library": UploadStore(
        LibraryDestination(
          library: library, keys: try uploads.keys.map { try PublicKey.read($0) },
          threshold: uploads.threshold),
        limits: limits)
    ]
    if let followed = settings.manifest.repository, followed.isLocal {
      // What is merged must follow from the operator's root, whatever lies there.
      let root = try FileIO.read(followed.root, limit: UpdateLimits().rootLength).bytes
      let directory = RepositoryDirectory(followed.from, trustedRoot: root)
      repository = directory
      stores["repository"] = UploadStore(RepositoryDestination(directory), limits: limits)
      // What lies in git is changed there.
      let waits = settings.manifest.git?.proposals == nil
      proposals = followed.proposals
      intake = ProposalIntake(
        directory, waiting: waits ? followed.proposals : nil, merges: followed.onlineKey != nil)
      files = RepositoryFiles(directory: followed.from)
    } else {
      repository = nil
      intake = nil
      proposals = nil
      files = RepositoryFiles()
    }
    self.stores = stores
  }

  /// What becomes of a request.
  /// - Parameter path: Below `api/v1/`.
  func plan(_ path: [String], _ request: HTTPRequest) -> HTTPBodyPlan {
    do {
      switch (request.method, path.count) {
      case (.post, 2) where path[1] == "uploads":
        return try begin(store(path[0]), insists: request.field("insists") != nil)
      case (.post, 4) where path[1] == "uploads" && path[3] == "have":
        return try have(store(path[0]), path[2])
      case (.post, 4) where path[1] == "uploads" && path[3] == "finish":
        return try finish(store(path[0]), path[2], path[0])
      case (.put, 5) where path[1] == "uploads" && path[3] == "objects":
        return try object(store(path[0]), path[2], path[4], request)
      case (.post, 2) where path == ["repository", "proposals"]: return try propose()
      case (.put, 4) where path.starts(with: ["repository", "attestations"]):
        return try attest(path[2], path[3])
      default:
        return .refuse(
          .text(405, "Nothing can be changed here: docs/formats/upload.md says what can be sent where."))
      }
    } catch {
      return .refuse(Self.answer(error))
    }
  }

  /// What is asked of an upload or a proposal; `nil` for what is none of this.
  /// - Parameter path: Below `api/v1/`.
  func answer(_ path: [String]) -> HTTPResponse? {
    do {
      switch path.count {
      case 3 where path[1] == "uploads":
        guard let store = stores[path[0]] else { return nil }
        return Self.json(200, try store.look(at: path[2]))
      case 3 where path.starts(with: ["repository", "proposals"]): return proposal(path[2])
      default: return nil
      }
    } catch {
      return Self.answer(error)
    }
  }

  func store(_ name: String) throws(UploadError) -> UploadStore {
    guard let store = stores[name] else {
      throw UploadError(
        .unknown,
        "this server keeps no \(name) that releases could be sent to: it follows one elsewhere, or none")
    }
    return store
  }

  static func answer(_ error: any Error) -> HTTPResponse {
    let error = UploadError(error)
    return .text(error.code.rawValue, error.description)
  }

  static func json(_ status: Int, _ value: some Encodable) -> HTTPResponse {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    guard let bytes = try? encoder.encode(value) else { return .text(500, "The answer cannot be written.") }
    return .json(status, [UInt8](bytes) + [0x0A])
  }

  /// Takes a short body, and answers with what becomes of it.
  func collect(
    _ limit: Int, _ body: @escaping @Sendable ([UInt8]) async throws -> HTTPResponse
  ) -> HTTPBodyPlan {
    .take(
      CollectedBody(limit: limit, budget: budget) { bytes in
        do { return try await body(bytes) } catch { return Self.answer(error) }
      })
  }
}
