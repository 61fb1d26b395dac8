internal import CCurlShim

/// Takes what a transfer brings, on the engine's thread. Throwing ends the transfer.
package protocol TransferSink: AnyObject, Sendable {
  /// The next bytes of the body; they are the engine's again when this returns.
  func receive(_ bytes: UnsafeRawBufferPointer) throws
}

/// How a transfer ended.
package enum TransferEnd: Sendable {
  /// The server ended the body regularly.
  case complete
  /// An HTTP status of 400 or more.
  case status(Int)
  /// The server announced more than the limit.
  case tooLarge
  /// The network, the server or the protocol failed: libcurl's sentence.
  case failed(String)
  /// No connection in time, or too few bytes a second for too long: libcurl's sentence.
  case timedOut(String)
  /// The sink threw.
  case sinkFailed(any Error)
  case cancelled
}

/// One request for one address.
///
/// Everything mutable belongs to the engine's thread from `submit` until the continuation is resumed, which
/// is why the class may call itself Sendable.
final class Transfer: @unchecked Sendable {
  let address: String
  /// The first byte asked for. A server that ignores the range sends the whole: the beginning is skipped
  /// then.
  let offset: Int
  /// The most that the server may announce.
  let limit: Int
  private let sink: any TransferSink

  private var toSkip: Int?
  private var failure: (any Error)?
  private let message = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
  private let continuation: CheckedContinuation<TransferEnd, Never>

  init(
    address: String, offset: Int, limit: Int, sink: any TransferSink,
    continuation: CheckedContinuation<TransferEnd, Never>
  ) {
    self.address = address
    self.offset = offset
    self.limit = limit
    self.sink = sink
    self.continuation = continuation
    message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
  }

  deinit { message.deallocate() }

  /// Makes the libcurl handle; `nil` if libcurl refuses an option.
  func makeHandle(policy: TransferPolicy) -> UnsafeMutableRawPointer? {
    guard let handle = curl_easy_init() else { return nil }
    let context = Unmanaged.passUnretained(self).toOpaque()
    let longs: [(CURLoption, Int)] = [
      (CURLOPT_NOSIGNAL, 1), (CURLOPT_FAILONERROR, 1), (CURLOPT_FOLLOWLOCATION, 1),
      (CURLOPT_MAXREDIRS, policy.redirections), (CURLOPT_CONNECTTIMEOUT, policy.connectTimeout),
      (CURLOPT_LOW_SPEED_LIMIT, policy.minimumSpeed), (CURLOPT_LOW_SPEED_TIME, policy.stallTimeout),
      (CURLOPT_TIMEOUT, policy.totalTimeout),
    ]
    let strings: [(CURLoption, String)] = [
      (CURLOPT_URL, address), (CURLOPT_USERAGENT, "netimg"),
      (CURLOPT_PROTOCOLS_STR, policy.isOffline ? "file" : "http,https,file"),
      (CURLOPT_REDIR_PROTOCOLS_STR, "http,https"),
    ]
    var codes = longs.map { netimg_curl_setopt_long(handle, $0.0, $0.1) }
    codes += strings.map { netimg_curl_setopt_string(handle, $0.0, $0.1) }
    if offset > 0 { codes.append(netimg_curl_setopt_string(handle, CURLOPT_RANGE, "\(offset)-")) }
    codes.append(netimg_curl_setopt_offset(handle, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(limit)))
    codes.append(netimg_curl_setopt_pointer(handle, CURLOPT_ERRORBUFFER, message))
    codes.append(netimg_curl_setopt_write(handle, Self.write, context))
    guard codes.allSatisfy({ $0 == CURLE_OK }) else {
      curl_easy_cleanup(handle)
      return nil
    }
    self.handle = handle
    return handle
  }

  private var handle: UnsafeMutableRawPointer?

  private static let write:
    @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
      data, size, count, context in
      guard let data, let context else { return 0 }
      let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
      let bytes = UnsafeRawBufferPointer(start: data, count: size * count)
      // Any other number than the whole makes libcurl end the transfer.
      return transfer.receive(bytes) ? bytes.count : bytes.count &+ 1
    }

  private func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var skip = toSkip ?? (status == 200 ? offset : 0)
    let skipped = min(skip, bytes.count)
    skip -= skipped
    toSkip = skip
    do {
      try sink.receive(UnsafeRawBufferPointer(rebasing: bytes[skipped...]))
      return true
    } catch {
      failure = error
      return false
    }
  }

  private var status: Int {
    var status = 0
    if let handle { netimg_curl_getinfo_long(handle, CURLINFO_RESPONSE_CODE, &status) }
    return status
  }

  /// Says how it went. The handle must still live.
  func finish(_ code: CURLcode) {
    continuation.resume(returning: end(code))
  }

  func finish(_ end: TransferEnd) {
    continuation.resume(returning: end)
  }

  private func end(_ code: CURLcode) -> TransferEnd {
    if let failure { return .sinkFailed(failure) }
    switch code {
    case CURLE_OK: return .complete
    case CURLE_HTTP_RETURNED_ERROR: return .status(status)
    case CURLE_FILESIZE_EXCEEDED: return .tooLarge
    case CURLE_FILE_COULDNT_READ_FILE: return .status(404)
    default:
      let text = String(cString: message)
      let sentence = text.isEmpty ? String(cString: curl_easy_strerror(code)) : text
      return code == CURLE_OPERATION_TIMEDOUT ? .timedOut(sentence) : .failed(sentence)
    }
  }
}
