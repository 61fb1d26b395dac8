internal import CCurlShim
internal import Glibc

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
  /// What is sent; `nil` for a plain fetch.
  private let request: TransferRequest?
  private let source: BodySource
  private var headers: UnsafeMutablePointer<curl_slist>?

  private var toSkip: Int?
  private var failure: (any Error)?
  private let message = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))
  private let continuation: CheckedContinuation<TransferEnd, Never>

  init(
    address: String, offset: Int, limit: Int, sink: any TransferSink, request: TransferRequest? = nil,
    continuation: CheckedContinuation<TransferEnd, Never>
  ) {
    self.request = request
    source = BodySource(request?.body ?? [])
    self.address = address
    self.offset = offset
    self.limit = limit
    self.sink = sink
    self.continuation = continuation
    message.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
  }

  deinit {
    message.deallocate()
    curl_slist_free_all(headers)
  }

  /// Makes the libcurl handle; `nil` if libcurl refuses an option.
  func makeHandle(policy: TransferPolicy) -> UnsafeMutableRawPointer? {
    guard let handle = curl_easy_init() else { return nil }
    let context = Unmanaged.passUnretained(self).toOpaque()
    // Whoever sends something wants the answer whatever its status is, and sends it nowhere else.
    let isFetch = request == nil ? 1 : 0
    let longs: [(CURLoption, Int)] = [
      (CURLOPT_NOSIGNAL, 1), (CURLOPT_FAILONERROR, isFetch), (CURLOPT_FOLLOWLOCATION, isFetch),
      (CURLOPT_MAXREDIRS, policy.redirections), (CURLOPT_CONNECTTIMEOUT, policy.connectTimeout),
      (CURLOPT_LOW_SPEED_LIMIT, policy.minimumSpeed),
      (CURLOPT_LOW_SPEED_TIME, request?.patience ?? policy.stallTimeout),
      (CURLOPT_TIMEOUT, policy.totalTimeout),
    ]
    let strings: [(CURLoption, String)] = [
      (CURLOPT_URL, address), (CURLOPT_USERAGENT, "netimg"),
      (CURLOPT_PROTOCOLS_STR, policy.isOffline ? "file" : "http,https,file"),
      (CURLOPT_REDIR_PROTOCOLS_STR, "http,https"),
    ]
    var codes = longs.map { netimg_curl_setopt_long(handle, $0.0, $0.1) }
    codes += strings.map { netimg_curl_setopt_string(handle, $0.0, $0.1) }
    if let authorities = policy.authorities {
      codes.append(netimg_curl_setopt_string(handle, CURLOPT_CAINFO, authorities))
    }
    if let request { codes += prepare(handle, request, context) }
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

  /// Method, headers and body of a request that sends something.
  private func prepare(
    _ handle: UnsafeMutableRawPointer, _ request: TransferRequest, _ context: UnsafeMutableRawPointer
  ) -> [CURLcode] {
    for header in request.headers { headers = curl_slist_append(headers, header) }
    var codes = [
      netimg_curl_setopt_string(handle, CURLOPT_PROTOCOLS_STR, "http,https"),
      netimg_curl_setopt_string(handle, CURLOPT_CUSTOMREQUEST, request.method),
      netimg_curl_setopt_pointer(handle, CURLOPT_HTTPHEADER, headers),
    ]
    guard request.method != "GET" else { return codes }
    codes.append(netimg_curl_setopt_long(handle, CURLOPT_UPLOAD, 1))
    codes.append(netimg_curl_setopt_offset(handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(request.size)))
    codes.append(netimg_curl_setopt_read(handle, Self.read, Self.seek, context))
    return codes
  }

  private static let read:
    @convention(c) (UnsafeMutablePointer<CChar>?, Int, Int, UnsafeMutableRawPointer?) -> Int = {
      data, size, count, context in
      guard let data, let context else { return Int(CURL_READFUNC_ABORT) }
      let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
      let buffer = UnsafeMutableRawBufferPointer(start: data, count: size * count)
      guard let read = transfer.source.read(into: buffer) else {
        transfer.failure = TransferRequest.Unreadable()
        return Int(CURL_READFUNC_ABORT)
      }
      return read
    }

  private static let seek: @convention(c) (UnsafeMutableRawPointer?, curl_off_t, Int32) -> Int32 = {
    context, offset, origin in
    guard let context, origin == SEEK_SET else { return CURL_SEEKFUNC_FAIL }
    let transfer = Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    return transfer.source.seek(to: Int(offset)) ? CURL_SEEKFUNC_OK : CURL_SEEKFUNC_FAIL
  }

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
    case CURLE_OK: return request == nil ? .complete : .status(status)
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
