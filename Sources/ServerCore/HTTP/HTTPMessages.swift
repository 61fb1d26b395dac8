package import NetworkTypes

/// A request, without its body.
package struct HTTPRequest: Sendable {
  package enum Method: String, Sendable, Hashable {
    case get = "GET"
    case head = "HEAD"
    case post = "POST"
    case put = "PUT"
    case delete = "DELETE"
    case other
  }

  package var method: Method
  /// The path's parts, percent-decoded; no part is empty, `.` or `..`, or holds a slash or a control character.
  package var path: [String]
  /// The query's fields, percent-decoded, in their order.
  package var query: [(name: String, value: String)]
  /// Names in lower case, in their order.
  package var headers: [(name: String, value: String)]
  /// Who asks.
  package var peer: IPAddress
  /// The address that was asked.
  package var local: IPAddress

  package init(
    method: Method = .get, path: [String], query: [(name: String, value: String)] = [],
    headers: [(name: String, value: String)] = [], peer: IPAddress, local: IPAddress
  ) {
    self.method = method
    self.path = path
    self.query = query
    self.headers = headers
    self.peer = peer
    self.local = local
  }

  /// How many bytes the body has; `nil` if the client does not say.
  package var contentLength: Int? { header("content-length").flatMap { Int($0) } }

  /// The first header of that name, which is in lower case.
  package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }

  /// The first field of that name in the query.
  package func field(_ name: String) -> String? { query.first { $0.name == name }?.value }
}

/// A file that is sent as it is. Its bytes are good when it is opened, and ``isUnchanged()`` says so again before the
/// last of them leave.
package protocol ServedFile: Sendable {
  var size: Int { get }
  /// An open descriptor, valid for as long as this value.
  var descriptor: Int32 { get }
  func isUnchanged() -> Bool
}

/// What became of a response's body.
package struct HTTPDelivery: Sendable, Hashable {
  /// Bytes of the body that were sent.
  package var bytes: Int
  package var milliseconds: Int
  /// Whether all of it was.
  package var isComplete: Bool

  package init(bytes: Int, milliseconds: Int, isComplete: Bool) {
    self.bytes = bytes
    self.milliseconds = milliseconds
    self.isComplete = isComplete
  }
}

/// A response.
package struct HTTPResponse: Sendable {
  package enum Body: Sendable {
    case bytes([UInt8])
    /// Bytes of a file.
    case file(any ServedFile, Range<Int>)
  }

  package var status: Int
  package var contentType: String
  /// Further headers, in their order.
  package var headers: [(name: String, value: String)]
  package var body: Body
  /// Told once what became of it, on an event loop: it must not block.
  package var onDelivery: (@Sendable (HTTPDelivery) -> Void)?

  package init(
    status: Int = 200, contentType: String, headers: [(name: String, value: String)] = [], body: Body,
    onDelivery: (@Sendable (HTTPDelivery) -> Void)? = nil
  ) {
    self.status = status
    self.contentType = contentType
    self.headers = headers
    self.body = body
    self.onDelivery = onDelivery
  }

  /// A line of text.
  package static func text(_ status: Int, _ text: String) -> HTTPResponse {
    HTTPResponse(
      status: status, contentType: "text/plain; charset=utf-8", body: .bytes(Array("\(text)\n".utf8)))
  }

  /// JSON, already encoded.
  package static func json(_ status: Int = 200, _ bytes: [UInt8]) -> HTTPResponse {
    HTTPResponse(
      status: status, contentType: "application/json", headers: [("Cache-Control", "no-store")],
      body: .bytes(bytes))
  }

  /// How many bytes the body has.
  package var length: Int {
    switch body {
    case .bytes(let bytes): bytes.count
    case .file(_, let range): range.count
    }
  }
}

/// Answers requests.
package protocol HTTPResponder: Sendable {
  /// The answer, if it can be given at once: asked on an event loop, so it must not block. `nil` if it takes longer.
  func respondAtOnce(to request: HTTPRequest) -> HTTPResponse?
  /// The answer, whatever it takes: asked on a thread that may block.
  func respond(to request: HTTPRequest) -> HTTPResponse
  /// What becomes of a request that is neither GET nor HEAD: asked on a thread that may block, before its body is read.
  func plan(for request: HTTPRequest) -> HTTPBodyPlan
}

extension HTTPResponder {
  package func plan(for request: HTTPRequest) -> HTTPBodyPlan { .refuse(.readOnly) }
}

extension HTTPResponse {
  /// The answer where nothing can be changed.
  package static let readOnly = HTTPResponse(
    status: 405, contentType: "text/plain; charset=utf-8", headers: [("Allow", "GET, HEAD")],
    body: .bytes(Array("Only GET and HEAD are answered here.\n".utf8)))
}
