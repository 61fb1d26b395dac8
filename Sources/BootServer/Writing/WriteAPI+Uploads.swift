internal import Bytes
internal import Channels
internal import ServerCore

extension WriteAPI {
  func begin(_ store: UploadStore, insists: Bool) -> HTTPBodyPlan {
    collect(SignedUpload.maximumSize) { bytes in Self.json(200, try store.begin(bytes, insists: insists)) }
  }

  func have(_ store: UploadStore, _ release: String) -> HTTPBodyPlan {
    collect(UploadQuestion.maximumSize) { bytes in
      Self.json(200, try store.answer(UploadQuestion(bytes), of: release))
    }
  }

  func finish(_ store: UploadStore, _ release: String, _ place: String) -> HTTPBodyPlan {
    collect(UploadClosing.maximumSize) { bytes in
      let outcome = try await store.finish(release, bytes)
      if outcome.changed {
        note("\(outcome.image) \(outcome.version) (sha256:\(outcome.release)) was sent to the \(place)")
      }
      return Self.json(200, outcome)
    }
  }

  func object(
    _ store: UploadStore, _ release: String, _ digest: String, _ request: HTTPRequest
  ) throws -> HTTPBodyPlan {
    let isComposed = request.header("content-type") == ComposedObject.mediaType
    var offset = 0
    if let range = request.header("content-range") {
      guard !isComposed, let start = Self.start(of: range) else {
        throw UploadError(.malformed, "Content-Range is \"bytes FIRST-LAST/SIZE\", or is left out")
      }
      offset = start
    }
    guard
      let reception = try store.receive(
        digest, of: release, from: offset, length: request.contentLength, isComposed: isComposed)
    else { return .refuse(.text(200, "It is here already.")) }
    return .take(ReceivedObject(reception))
  }

  /// `bytes FIRST-LAST/SIZE` (RFC 9110, section 14.4), as far as it counts: the digest tells the rest.
  static func start(of range: String) -> Int? {
    guard range.utf8.count <= 80, range.hasPrefix("bytes "), let dash = range.firstIndex(of: "-") else {
      return nil
    }
    let digits = range[..<dash].dropFirst(6)
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(digits)
  }
}

/// A file of a release, on its way from the socket to the disk.
private final class ReceivedObject: HTTPBodyReceiver {
  private let reception: UploadReception

  init(_ reception: UploadReception) { self.reception = reception }

  func receive(_ bytes: UnsafeRawBufferPointer) -> HTTPResponse? {
    do throws(UploadError) {
      try reception.receive(bytes)
      return nil
    } catch {
      reception.abandon()
      return WriteAPI.answer(error)
    }
  }

  func finish() async -> HTTPResponse {
    do throws(UploadError) {
      try reception.finish()
      return .text(201, "taken")
    } catch {
      return WriteAPI.answer(error)
    }
  }

  func abandon() { reception.abandon() }
}
