internal import Bytes
internal import CPosixShim
internal import FoundationEssentials
internal import FrameFormat
internal import Glibc
internal import ImageBuilder
internal import Signing
internal import Synchronization

/// Releases on their way in over the network, each in a directory of its own named by its digest, until it is complete and
/// its destination takes it over.
///
/// A directory is made for nobody but the holders of keys: what comes first is release.json in its envelope, and what comes
/// then must be named by it. A server that is killed finds everything again.
package final class UploadStore: Sendable {
  package struct Limits: Sendable {
    /// The most unfinished uploads.
    package var open = 16
    /// Seconds after which one that nobody goes on with is forgotten.
    package var idle = 86400
    /// Bytes that are left free on the disk.
    package var reserve = 256 << 20

    package init() {}
  }

  let destination: any UploadDestination
  /// The directory of uploads.
  let place: String
  private let limits: Limits
  private let state = Mutex(State())

  private struct State: Sendable {
    /// Files that are being received, as `RELEASE/DIGEST`, and by release.
    var files: Set<String> = []
    var busy: [String: Int] = [:]
    /// One release is checked and taken over at a time: that takes memory.
    var isFinishing = false
    /// Uploads whose signatures were looked at. They are once more when a release is complete.
    var known: [String: SignedUpload] = [:]
  }

  package init(_ destination: any UploadDestination, limits: Limits = Limits()) {
    self.destination = destination
    self.limits = limits
    place = URL(fileURLWithPath: destination.uploads).standardizedFileURL.path
  }

  // MARK: Where things are

  func directory(of release: String) -> String { "\(place)/\(release)" }
  func objects(of release: String) -> String { "\(directory(of: release))/objects" }
  func envelopePath(of release: String) -> String { "\(directory(of: release))/\(ReleaseFile.signature)" }

  /// An upload that was begun.
  /// - Throws: `UploadError` `.unknown`, or `.refused` if its keys may not sign any more.
  func upload(_ release: String) throws -> SignedUpload {
    let known = state.withLock { $0.known[release] }
    guard SHA256Digest(hex: release)?.hex == release, access(envelopePath(of: release), F_OK) == 0 else {
      throw UploadError(
        .unknown, "there is no upload of that name, or it has expired: begin it with the release's envelope")
    }
    if let known { return known }
    let bytes = try FileIO.read(envelopePath(of: release), limit: SignedUpload.maximumSize).bytes
    let upload = try SignedUpload(bytes, by: destination.authority())
    state.withLock { $0.known[release] = upload }
    return upload
  }

  /// Removes an upload.
  func forget(_ release: String) {
    state.withLock { $0.known[release] = nil }
    try? FileManager.default.removeItem(atPath: directory(of: release))
  }

  // MARK: Beginning

  /// Begins an upload, or goes on with it.
  /// - Parameters:
  ///   - bytes: The DSSE envelope of release.json.
  ///   - insists: Whether it is begun even if nothing is missing: there are more signatures.
  /// - Throws: ``UploadError``.
  package func begin(_ bytes: [UInt8], insists: Bool = false) throws -> UploadState {
    let upload = try SignedUpload(bytes, by: destination.authority())
    let isPublished = try destination.check(upload.release, upload.manifest)
    let source = destination.files(like: upload.release.name)
    let directory = directory(of: upload.digest)
    if access(directory, F_OK) == 0 {
      touch(upload.digest)
    } else {
      let state = try describe(upload, isPublished, source)
      if isPublished, state.missing.isEmpty, !insists { return state }
      sweep()
      try makeRoom(for: state)
      try make(directory, bytes)
    }
    return try describe(upload, isPublished, source)
  }

  /// What is missing of an upload.
  /// - Throws: ``UploadError``.
  package func look(at release: String) throws -> UploadState {
    let upload = try upload(release)
    return try describe(
      upload, destination.check(upload.release, upload.manifest), destination.files(like: upload.release.name)
    )
  }

  private func make(_ directory: String, _ envelope: [UInt8]) throws {
    let temporary = "\(place)/.\(UInt64.random(in: 0 ... .max))"
    do {
      try FileManager.default.createDirectory(
        atPath: "\(temporary)/objects", withIntermediateDirectories: true)
      try FileIO.create(
        "\(temporary)/\(ReleaseFile.signature)", String(decoding: envelope, as: UTF8.self), mode: 0o644)
    } catch {
      try? FileManager.default.removeItem(atPath: temporary)
      throw UploadError(errno == ENOSPC ? .full : .failed, "cannot begin an upload in \(place): \(error)")
    }
    // Somebody else may have begun the same: what they have is as good.
    if netimg_rename_new(temporary, directory) != 0 {
      try? FileManager.default.removeItem(atPath: temporary)
    }
  }

  private func makeRoom(for state: UploadState) throws(UploadError) {
    try? FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
    let names = uploads()
    guard names.count < limits.open else {
      throw UploadError(
        .tooMany,
        "\(names.count) uploads are unfinished, which is the limit: let them be finished, or try again when they have expired"
      )
    }
    let needed = state.missing.reduce(0) { $0 + $1.size }
    guard let free = freeBytes, free >= needed + limits.reserve else {
      throw UploadError(
        .full, "the release needs \(needed) bytes, and the server's disk has too few: make room there")
    }
  }

  /// The releases that are on their way.
  func uploads() -> [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: place)) ?? []).filter {
      SHA256Digest(hex: $0)?.hex == $0
    }
  }

  /// Bytes that may still be written.
  private var freeBytes: Int? {
    var status = statvfs()
    guard statvfs(place, &status) == 0 else { return nil }
    return Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
  }

  func touch(_ release: String) { utimes(envelopePath(of: release), nil) }

  /// Removes uploads that nobody has gone on with for long, and what a killed server left of beginnings.
  package func sweep(now: Int = time(nil)) {
    for name in (try? FileManager.default.contentsOfDirectory(atPath: place)) ?? [] {
      var status = stat()
      let file = name.hasPrefix(".") ? directory(of: name) : envelopePath(of: name)
      let isOld = stat(file, &status) != 0 || status.st_mtim.tv_sec + limits.idle <= now
      guard isOld, state.withLock({ $0.busy[name] == nil }) else { continue }
      forget(name)
    }
  }

  // MARK: What is missing

  private func describe(
    _ upload: SignedUpload, _ isPublished: Bool, _ source: any UploadSource
  ) throws -> UploadState {
    let (items, isIndexed) = try items(of: upload, source)
    var seen: Set<String> = []
    var missing: [UploadItem] = []
    for var item in items where seen.insert(item.sha256).inserted {
      guard path(of: item, in: upload.digest, source) == nil else { continue }
      var status = stat()
      let part = "\(objects(of: upload.digest))/\(item.sha256).part"
      if stat(part, &status) == 0, status.st_size > 0, status.st_size <= item.size {
        item.received = Int(status.st_size)
      }
      missing.append(item)
    }
    return UploadState(
      release: upload.digest, image: upload.release.name, version: upload.release.version,
      published: isPublished, indexed: isIndexed, missing: missing,
      companions: isPublished ? try companions(of: upload.digest) : [:])
  }

  private func companions(of release: String) throws -> [String: String] {
    var digests: [String: String] = [:]
    for name in Self.companionNames {
      digests[name] = try destination.companion(name, of: release).map { SHA256.digest(of: $0).hex }
    }
    return digests
  }

  static let companionNames = [
    ReleaseFile.signature, ReleaseFile.sbomSignature, ReleaseFile.provenanceSignature, ReleaseFile.signedUKI,
  ]

  /// Everything that the release names, as far as that is known here.
  func items(
    of upload: SignedUpload, _ source: any UploadSource
  ) throws(UploadError) -> (items: [UploadItem], isIndexed: Bool) {
    var items = upload.release.artifacts.map {
      UploadItem(name: $0.name, sha256: $0.sha256, size: Int(clamping: $0.size))
    }
    guard let index = items.first(where: { $0.name == ReleaseFile.index }) else {
      throw UploadError(.malformed, "the release lists no \(ReleaseFile.index): build it anew")
    }
    guard index.size <= RootIndex.maximumSize, let path = path(of: index, in: upload.digest, source),
      let bytes = try? FileIO.read(path, limit: RootIndex.maximumSize).bytes,
      SHA256.digest(of: bytes).hex == index.sha256
    else { return (items, false) }
    do throws(FrameFormatError) {
      items += try RootIndex.decode(bytes).frames.map {
        UploadItem(name: "\(ReleaseFile.frames)/\($0.digest.hex)", sha256: $0.digest.hex, size: $0.storedSize)
      }
    } catch {
      throw UploadError(.wrong, "the release's \(ReleaseFile.index) cannot be read: \(error.message)")
    }
    return (items, true)
  }

  /// Where a file is that the release names; `nil` if it is not here.
  func path(of item: UploadItem, in release: String, _ source: any UploadSource) -> String? {
    let own = "\(objects(of: release))/\(item.sha256)"
    var status = stat()
    if lstat(own, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size == item.size {
      return own
    }
    return source.file(item.sha256, size: item.size)
  }

  // MARK: Taking files

  /// Makes ready to take a file.
  /// - Parameters:
  ///   - offset: Where the bytes that will come begin.
  ///   - length: How many will come, if the sender says.
  ///   - isComposed: Whether they are a ``ComposedObject``.
  /// - Returns: What takes them; `nil` if the file is here already.
  /// - Throws: ``UploadError``.
  package func receive(
    _ digest: String, of release: String, from offset: Int, length: Int?, isComposed: Bool
  ) throws -> UploadReception? {
    let upload = try upload(release)
    let source = destination.files(like: upload.release.name)
    guard let item = try items(of: upload, source).items.first(where: { $0.sha256 == digest }) else {
      throw UploadError(
        .refused,
        "the release names no file with that SHA-256: send its \(ReleaseFile.index) first, then what it names"
      )
    }
    if path(of: item, in: release, source) != nil { return nil }
    if let length, !isComposed, length > item.size - offset {
      throw UploadError(
        .tooLarge, "\(item.name) has \(item.size) bytes, and \(length) from \(offset) on are too many")
    }
    guard let free = freeBytes, free >= item.size - offset + limits.reserve else {
      throw UploadError(
        .full, "\(item.name) needs \(item.size) bytes, and the server's disk has too few: make room there")
    }
    let key = "\(release)/\(digest)"
    let isTaken = state.withLock { state in
      guard state.files.insert(key).inserted else { return false }
      state.busy[release, default: 0] += 1
      return true
    }
    guard isTaken else {
      throw UploadError(.busy, "somebody else is sending \(item.name): try again in a moment")
    }
    let leave = { @Sendable [self] in
      touch(release)
      state.withLock { state in
        state.files.remove(key)
        let left = (state.busy[release] ?? 1) - 1
        state.busy[release] = left > 0 ? left : nil
      }
    }
    do {
      let object = ChannelClient.Object(name: item.name, digest: digest, size: item.size)
      let file = try ObjectFile(object, in: objects(of: release))
      if isComposed {
        try file.restart()
        return ComposedReception(file, object, from: LocalUpload(self, release, source), onEnd: leave)
      }
      if offset == 0 { try file.restart() }
      guard file.count == offset else {
        throw UploadError(
          .conflict,
          "\(file.count) bytes of \(item.name) are here, and not \(offset): ask anew what is missing")
      }
      return UploadReception(file, object, onEnd: leave)
    } catch {
      leave()
      throw UploadError(error)
    }
  }

  /// Which of some bytes are here, whole or inside of files.
  /// - Throws: ``UploadError``.
  package func answer(_ question: UploadQuestion, of release: String) throws -> UploadReply {
    let upload = try upload(release)
    let source = LocalUpload(self, release, destination.files(like: upload.release.name))
    return UploadReply(
      missing: question.parts.filter { source.slice($0.digest, size: $0.size) == nil }.map(\.digest))
  }

  // MARK: The end

  /// One release at a time.
  func withTurn<Result>(_ release: String, _ body: () async throws -> Result) async throws -> Result {
    let isMine = state.withLock { state in
      guard !state.isFinishing else { return false }
      state.isFinishing = true
      state.busy[release, default: 0] += 1
      return true
    }
    guard isMine else {
      throw UploadError(.busy, "another release is being checked at the moment: try again when it is done")
    }
    defer {
      state.withLock { state in
        state.isFinishing = false
        let left = (state.busy[release] ?? 1) - 1
        state.busy[release] = left > 0 ? left : nil
      }
    }
    return try await body()
  }
}

/// What an upload has so far, and what its destination has.
private struct LocalUpload: UploadSource {
  let store: UploadStore
  let release: String
  let source: any UploadSource

  init(_ store: UploadStore, _ release: String, _ source: any UploadSource) {
    self.store = store
    self.release = release
    self.source = source
  }

  func file(_ digest: String, size: Int) -> String? {
    store.path(of: UploadItem(name: digest, sha256: digest, size: size), in: release, source)
  }

  func slice(_ digest: String, size: Int) -> LocalFiles.Slice? {
    if let path = file(digest, size: size) { return LocalFiles.Slice(path: path, offset: 0, size: size) }
    return source.slice(digest, size: size)
  }
}
