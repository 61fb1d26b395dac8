internal import FoundationEssentials
internal import Signing
internal import Synchronization
package import Transfers
internal import UpdateFramework

/// Asks the API of a `netimg serve` to change something.
package final class ControlClient: Sendable {
  /// An answer that says no, in the server's words.
  package struct Refusal: Error, Sendable, CustomStringConvertible {
    /// The HTTP status.
    package let status: Int
    package let description: String
  }

  /// The server's address, without a slash at its end.
  package let address: String
  private let engine: TransferEngine
  private let sent = Atomic<Int>(0)

  /// Bytes of bodies that were sent and taken.
  package var sentBytes: Int { sent.load(ordering: .relaxed) }

  /// - Throws: `TransferUnavailable`.
  package init(_ address: String, policy: TransferPolicy) throws {
    self.address = address.hasSuffix("/") ? String(address.dropLast()) : address
    engine = try TransferEngine(policy: policy)
  }

  deinit { engine.stop() }

  /// Sends a request and gives the answer's body.
  /// - Parameters:
  ///   - path: Below `api/v1/`.
  ///   - patience: Seconds that the server may think.
  /// - Throws: ``Refusal``, or an `UpdateError` if there is no answer.
  package func send(
    _ method: String, _ path: String, headers: [String] = [], body: [TransferRequest.Segment] = [],
    patience: Int? = nil
  ) async throws -> [UInt8] {
    var request = TransferRequest(method, "\(address)/api/v1/\(path)")
    request.headers = headers
    request.body = body
    request.patience = patience
    switch await engine.send(request, limit: 32 << 20) {
    case .answered(let status, let bytes) where status < 300:
      sent.wrappingAdd(request.size, ordering: .relaxed)
      return bytes
    case .answered(let status, let bytes): throw refusal(status, bytes, request.address)
    case .failed(.cancelled): throw CancellationError()
    case .failed(.timedOut(let reason)):
      throw UpdateError(.tooSlow, "\(request.address): \(reason); try again later")
    case .failed(.failed(let reason)):
      throw UpdateError(
        .unreachable, "\(request.address): \(reason); check the address, and whether netimg serve runs there")
    case .failed(.sinkFailed(let error)) where error is TransferRequest.Unreadable:
      throw UpdateError(
        .localStorage, "a file of the release cannot be read any more; is somebody changing it?")
    case .failed:
      throw UpdateError(
        .unreachable, "\(request.address) gave no answer that can be used; is it netimg serve?")
    }
  }

  /// Sends JSON and reads JSON.
  package func exchange<Answer: Decodable>(
    _ method: String, _ path: String, body: [UInt8] = [], patience: Int? = nil
  ) async throws -> Answer {
    let bytes = try await send(
      method, path, headers: ["Content-Type: application/json"], body: body.isEmpty ? [] : [.bytes(body)],
      patience: patience)
    do { return try JSONDecoder().decode(Answer.self, from: Data(bytes)) } catch {
      throw UpdateError(
        .malformed,
        "\(address)/api/v1/\(path) gave an answer that cannot be read; is it a netimg serve of this version?")
    }
  }

  private func refusal(_ status: Int, _ bytes: [UInt8], _ address: String) -> Refusal {
    // It is printed on a terminal.
    let text = String(decoding: bytes.prefix(4000), as: UTF8.self).unicodeScalars
      .filter { $0.value >= 0x20 && $0.value != 0x7F || $0 == "\n" }
    var sentence = ""
    sentence.unicodeScalars.append(contentsOf: text)
    while sentence.hasSuffix("\n") { sentence.removeLast() }
    if (300..<400).contains(status) {
      sentence = "it answers with a redirection; name the address that it leads to"
    }
    return Refusal(
      status: status,
      description: sentence.isEmpty ? "\(address) gave HTTP status \(status)" : "\(address): \(sentence)")
  }
}

extension ControlClient {
  /// Whether trying again may help.
  static func isPassing(_ error: any Error) -> Bool {
    switch error {
    case let error as Refusal: [408, 423, 502, 503, 504].contains(error.status)
    case let error as UpdateError: error.code == .unreachable || error.code == .tooSlow
    default: false
    }
  }

  /// Tries until it works, an error stays, or patience ends: a server may be starting anew, or somebody else may be at it.
  static func retrying<Result: Sendable>(
    _ attempts: Int = 6, _ body: @Sendable (_ isFirst: Bool) async throws -> Result
  ) async throws -> Result {
    var pause = Duration.milliseconds(250)
    for attempt in 1..<attempts {
      do { return try await body(attempt == 1) } catch  where isPassing(error) {
        try await Task.sleep(for: pause)
        pause = min(pause * 2, .seconds(4))
      }
    }
    return try await body(false)
  }
}
