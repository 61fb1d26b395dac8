internal import Bytes

/// Takes the bytes of one file that somebody sends. One call at a time.
package class UploadReception: @unchecked Sendable {
  // The server calls one method at a time, in turn.
  let file: ObjectFile
  let object: ChannelClient.Object
  private let onEnd: @Sendable () -> Void
  private var hasEnded = false

  init(_ file: ObjectFile, _ object: ChannelClient.Object, onEnd: @escaping @Sendable () -> Void) {
    self.file = file
    self.object = object
    self.onEnd = onEnd
  }

  deinit { if !hasEnded { onEnd() } }

  /// The next bytes.
  package func receive(_ bytes: UnsafeRawBufferPointer) throws(UploadError) { try write(bytes) }

  /// All has come: the file is in its place, or nothing is left of it.
  /// - Throws: `UploadError` `.wrong`; what was cut off stays, to be gone on with.
  package func finish() throws(UploadError) {
    defer { end() }
    guard file.count == object.size else {
      throw UploadError(
        .wrong,
        "\(object.name) has \(object.size) bytes, and \(file.count) have come: send the rest from there on")
    }
    try commit()
  }

  /// The sender has gone; what came stays, to be gone on with.
  package func abandon() { end() }

  func end() {
    guard !hasEnded else { return }
    hasEnded = true
    onEnd()
  }

  final func write(_ bytes: UnsafeRawBufferPointer) throws(UploadError) {
    guard bytes.count <= object.size - file.count else {
      file.discard()
      throw UploadError(
        .tooLarge,
        "\(object.name) has more than the \(object.size) bytes that are signed: send the right file")
    }
    do { try file.receive(bytes) } catch { throw UploadError(error) }
  }

  final func commit() throws(UploadError) {
    guard file.isRight else {
      file.discard()
      throw UploadError(
        .wrong,
        "what was sent as \(object.name) does not have the SHA-256 that the release signs: send it again")
    }
    do { try file.commit() } catch { throw UploadError(error) }
  }
}

/// Puts a file together from what is sent and what is here.
final class ComposedReception: UploadReception, @unchecked Sendable {
  private let source: any UploadSource
  private var line: [UInt8] = []
  private var parts: ArraySlice<ComposedObject.Part>?
  /// Of the part that is being sent.
  private var hash: SHA256?
  private var left = 0

  init(
    _ file: ObjectFile, _ object: ChannelClient.Object, from source: any UploadSource,
    onEnd: @escaping @Sendable () -> Void
  ) {
    self.source = source
    super.init(file, object, onEnd: onEnd)
  }

  override func receive(_ bytes: UnsafeRawBufferPointer) throws(UploadError) {
    var rest = bytes
    if parts == nil {
      let end = rest.firstIndex(of: 0x0A)
      line += rest[..<(end ?? rest.endIndex)]
      guard line.count <= Recipe.maximumSize else { throw malformed }
      guard let end else { return }
      guard let composed = ComposedObject(line, size: object.size) else { throw malformed }
      parts = composed.parts[...]
      line = []
      rest = UnsafeRawBufferPointer(rebasing: rest[(end + 1)...])
      try advance()
    }
    while !rest.isEmpty {
      guard let next = parts?.first, next.isSent else {
        throw UploadError(.tooLarge, "more bytes came of \(object.name) than its parts have: send it again")
      }
      if left == 0 {
        left = next.part.size
        hash = SHA256()
      }
      let taken = UnsafeRawBufferPointer(rebasing: rest[..<min(left, rest.count)])
      hash?.update(taken)
      try write(taken)
      left -= taken.count
      rest = UnsafeRawBufferPointer(rebasing: rest[taken.count...])
      if left == 0 {
        try check(next.part, hash.take()?.finish().hex)
        parts = parts?.dropFirst()
        try advance()
      }
    }
  }

  override func finish() throws(UploadError) {
    defer { end() }
    guard parts?.isEmpty == true else {
      file.discard()
      throw UploadError(.wrong, "\(object.name) was cut off: send it again")
    }
    try commit()
  }

  override func abandon() {
    file.discard()
    end()
  }

  private var malformed: UploadError {
    UploadError(
      .malformed, "the parts of \(object.name) are not as docs/formats/upload.md says; send it whole")
  }

  /// Writes the parts that are not sent, up to the next that is.
  private func advance() throws(UploadError) {
    while let next = parts?.first, !next.isSent {
      switch next.part {
      case .literal(let bytes): try write(bytes)
      case .object(let digest, let size):
        guard let slice = source.slice(digest, size: size) else {
          throw UploadError(.conflict, "a part of \(object.name) is not here any more: send it again")
        }
        var hash = SHA256()
        var failure: UploadError?
        let isWhole = try? LocalFiles.read(slice) { bytes in
          hash.update(bytes)
          do throws(UploadError) { try write(bytes) } catch {
            failure = error
            throw error
          }
        }
        if let failure { throw failure }
        guard isWhole == true else {
          throw UploadError(.conflict, "a part of \(object.name) is not here any more: send it again")
        }
        try check(next.part, hash.finish().hex)
      }
      parts = parts?.dropFirst()
    }
  }

  private func write(_ bytes: [UInt8]) throws(UploadError) {
    var failure: UploadError?
    bytes.withUnsafeBytes { bytes in
      do throws(UploadError) { try write(bytes) } catch { failure = error }
    }
    if let failure { throw failure }
  }

  private func check(_ part: Recipe.Part, _ found: String?) throws(UploadError) {
    guard case .object(let digest, _) = part, digest != found else { return }
    file.discard()
    throw UploadError(.conflict, "a part of \(object.name) is not what it was taken for: send it whole")
  }
}
