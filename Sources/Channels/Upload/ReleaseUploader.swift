internal import Bytes
internal import FoundationEssentials
internal import FrameFormat
internal import Glibc
package import ImageBuilder
internal import ImageFormat
package import Signing
internal import Transfers

/// Sends a release to a server: what the server lacks, and nothing else. What an earlier run sent is not sent again.
package struct ReleaseUploader: Sendable {
  /// Where on the server.
  package enum Place: String, Sendable {
    case repository, library
  }

  /// What was done.
  package struct Report: Sendable {
    package var image: String
    package var version: String
    package var digest: String
    /// Whether anything changed on the server.
    package var isChanged = false
    /// Files that were sent as they are, and files of which parts were sent.
    package var sentFiles = 0
    package var composedFiles = 0
    /// Bytes of everything that was sent.
    package var sentBytes = 0
    /// Whether the release is in the server's list, or library, already.
    package var isPublished = false
  }

  private let control: ControlClient
  private let place: Place
  private let reader: ReleaseReader

  /// - Parameter reader: The release; whoever calls has verified it.
  package init(_ reader: ReleaseReader, to place: Place, of control: ControlClient) {
    self.reader = reader
    self.place = place
    self.control = control
  }

  private var uploads: String { "\(place.rawValue)/uploads" }

  /// Sends it.
  /// - Parameter signer: Vouches for a program that is signed for Secure Boot, if the release has one.
  /// - Throws: `ControlClient.Refusal`, `ChannelError` `.badRelease`, or an `UpdateError`.
  package func run(signer: (any Signer)?) async throws -> Report {
    guard let envelope = try reader.readIfPresent(ReleaseFile.signature) else {
      throw ChannelError(
        .badRelease,
        "\(reader.directory) is not signed, and a server takes nothing unsigned: netimg build --signer")
    }
    let release = SHA256.digest(of: reader.manifest).hex
    var report = Report(image: reader.release.name, version: reader.release.version, digest: release)
    let before = control.sentBytes
    for attempt in 0..<5 {
      do {
        try await send(release, envelope, signer, &report)
        break
      } catch let error as ControlClient.Refusal where error.status == 404 && attempt < 4 {
        // Somebody else has sent and finished the same: there may be nothing left to do.
        continue
      }
    }
    report.sentBytes = control.sentBytes - before
    return report
  }

  private func send(
    _ release: String, _ envelope: [UInt8], _ signer: (any Signer)?, _ report: inout Report
  ) async throws {
    var state = try await begin(envelope)
    let wasPublished = state.published
    // Signatures may have come to a release that is published.
    let isSigned =
      try !state.published
      || UploadStore.companionNames.contains { name in
        try reader.readIfPresent(name).map { SHA256.digest(of: $0).hex != state.companions[name] } ?? false
      }
    if isSigned || !state.missing.isEmpty {
      if state.published { state = try await begin(envelope, insists: true) }
      for round in 0..<4 where round == 0 || !state.missing.isEmpty || !state.indexed {
        if !state.indexed, let index = state.missing.first(where: { $0.name == ReleaseFile.index }) {
          try await send(index, of: release)
          report.sentFiles += 1
          state = try await begin(envelope)
        }
        let (small, large) = split(state.missing)
        report.sentFiles += small.count
        try await sendAll(small, of: release)
        try await sendLarge(large, of: release, &report)
        state = try await begin(envelope)
      }
      let closing = try await closing(release, signer)
      let outcome: UploadOutcome = try await ControlClient.retrying(30) { _ in
        try await control.exchange("POST", "\(uploads)/\(release)/finish", body: closing, patience: 1800)
      }
      report.isChanged = outcome.changed
    }
    report.isPublished = wasPublished
  }

  /// What the server lacks of a file by now; `nil` if it has it.
  private func lacking(_ item: UploadItem, of release: String) async throws -> UploadItem? {
    let state: UploadState = try await control.exchange("GET", "\(uploads)/\(release)")
    return state.missing.first { $0.sha256 == item.sha256 }
  }

  private func begin(_ envelope: [UInt8], insists: Bool = false) async throws -> UploadState {
    let path = insists ? "\(uploads)?insists" : uploads
    return try await ControlClient.retrying { _ in
      try await control.exchange("POST", path, body: envelope)
    }
  }

  private func split(_ items: [UploadItem]) -> (small: [UploadItem], large: [UploadItem]) {
    let isLarge = { (item: UploadItem) in
      item.size >= Recipe.leastFile && !item.name.hasPrefix("\(ReleaseFile.frames)/")
    }
    return (items.filter { !isLarge($0) }, items.filter(isLarge))
  }

  private func sendAll(_ items: [UploadItem], of release: String) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      var waiting = items[...]
      for _ in 0..<4 {
        guard let item = waiting.popFirst() else { break }
        group.addTask { try await send(item, of: release) }
      }
      while try await group.next() != nil {
        guard let item = waiting.popFirst() else { continue }
        group.addTask { try await send(item, of: release) }
      }
    }
  }

  /// Sends a file, or the rest of it.
  private func send(_ item: UploadItem, of release: String) async throws {
    try await ControlClient.retrying(20) { isFirst in
      // Something went wrong in the middle: the server knows how much came.
      guard let item = isFirst ? item : try await lacking(item, of: release) else { return }
      let offset = item.received ?? 0
      var headers = ["Content-Type: application/octet-stream"]
      if offset > 0 { headers.append("Content-Range: bytes \(offset)-\(item.size - 1)/\(item.size)") }
      do {
        _ = try await control.send(
          "PUT", "\(uploads)/\(release)/objects/\(item.sha256)", headers: headers,
          body: [.file(path: "\(reader.directory)/\(item.name)", offset: offset, size: item.size - offset)])
      } catch let error as ControlClient.Refusal where offset > 0 && [409, 422].contains(error.status) {
        // What was there was something else: once more from the beginning.
        throw ControlClient.Refusal(status: 503, description: error.description)
      }
    }
  }

  /// Sends files of which parts may be on the server: the smallest first, for it may be a part of the next.
  private func sendLarge(_ items: [UploadItem], of release: String, _ report: inout Report) async throws {
    guard !items.isEmpty else { return }
    let missing = Dictionary(items.map { ($0.sha256, $0) }) { first, _ in first }
    var pieces = Recipe.Pieces()
    var seen: Set<String> = []
    for frame in try reader.index().frames where seen.insert(frame.digest.hex).inserted {
      pieces.add(frame.digest.hex, try reader.read("\(ReleaseFile.frames)/\(frame.digest.hex)"))
    }
    let artifacts = reader.release.artifacts.sorted { ($0.size, $0.name) < ($1.size, $1.name) }
    for artifact in artifacts where seen.insert(artifact.sha256).inserted {
      let bytes = try reader.read(artifact.name)
      if let item = missing[artifact.sha256] {
        if let recipe = Recipe.make(for: bytes, from: pieces)?.recipe,
          try await compose(item, recipe, of: release)
        {
          report.composedFiles += 1
        } else {
          try await send(item, of: release)
          report.sentFiles += 1
        }
      }
      pieces.add(artifact.sha256, bytes)
    }
  }

  /// Sends the parts of a file that the server lacks.
  /// - Returns: Whether the file is there now; it has to be sent whole otherwise.
  private func compose(_ item: UploadItem, _ recipe: Recipe, of release: String) async throws -> Bool {
    let parts = recipe.parts.compactMap { part -> (digest: String, size: Int)? in
      if case .object(let digest, let size) = part { (digest, size) } else { nil }
    }
    let question = UploadQuestion.encode(parts)
    do {
      let reply: UploadReply = try await ControlClient.retrying { _ in
        try await control.exchange("POST", "\(uploads)/\(release)/have", body: question)
      }
      let composed = ComposedObject(recipe, sending: Set(reply.missing))
      let line = composed.line
      guard line.count < Recipe.maximumSize, line.count + composed.sentSize < item.size else { return false }
      var body: [TransferRequest.Segment] = [.bytes(line)]
      var offset = 0
      for part in composed.parts {
        if part.isSent {
          body.append(.file(path: "\(reader.directory)/\(item.name)", offset: offset, size: part.part.size))
        }
        offset += part.part.size
      }
      let segments = body
      try await ControlClient.retrying(20) { isFirst in
        let isThere = isFirst ? false : try await lacking(item, of: release) == nil
        guard !isThere else { return }
        _ = try await control.send(
          "PUT", "\(uploads)/\(release)/objects/\(item.sha256)",
          headers: ["Content-Type: \(ComposedObject.mediaType)"], body: segments)
      }
      return true
    } catch let error as ControlClient.Refusal where [400, 409, 422].contains(error.status) {
      return false
    }
  }

  /// What lies beside the artifacts.
  private func closing(_ release: String, _ signer: (any Signer)?) async throws -> [UInt8] {
    var closing = UploadClosing(release: release)
    for document in SignedDocument.all {
      guard let bytes = try reader.readIfPresent(document.envelope) else { continue }
      closing.signatures[document.envelope] = try Envelope(json: bytes, source: document.envelope).signatures
    }
    guard let program = try reader.readIfPresent(ReleaseFile.signedUKI) else { return closing.bytes }
    guard let signer else {
      throw ChannelError(
        .badRelease,
        "\(reader.directory) has a \(ReleaseFile.signedUKI), and the server takes it only from who may publish: give --signer"
      )
    }
    closing.certificates = try PEImage(ByteRope(program)).certificateEntries()
    return try await Envelope.sign(
      payloadType: UploadClosing.payloadType, payload: closing.bytes, signers: [signer]
    ).json
  }
}
