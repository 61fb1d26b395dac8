internal import BootTypes

extension HTTPResponse {
  /// A file, or the part of it that a request asks for.
  /// - Parameters:
  ///   - tag: What the file's ETag is, in quotes; the same bytes always have the same one.
  ///   - isPinned: Whether the request's path never means other bytes.
  /// - Returns: The answer, and the bytes of the file that are in it; `nil` for none.
  package static func file(
    _ file: any ServedFile, tag: String, contentType: String, isPinned: Bool, for request: HTTPRequest
  ) -> (response: HTTPResponse, part: Range<Int>?) {
    var headers = [("ETag", tag), ("Accept-Ranges", "bytes")]
    headers.append(("Cache-Control", isPinned ? "public, max-age=31536000, immutable" : "no-cache"))
    if let match = request.header("if-none-match"), matches(tag, match) {
      let response = HTTPResponse(status: 304, contentType: contentType, headers: headers, body: .bytes([]))
      return (response, nil)
    }
    // A range of a version that the client does not have is no use to it (RFC 9110, section 13.1.5).
    let isCurrent = request.header("if-range").map { $0 == tag } ?? true
    let range =
      isCurrent && request.method == .get ? ByteRange.parse(request.header("range"), size: file.size) : .whole
    let part: Range<Int>
    var status = 200
    switch range {
    case .whole: part = 0..<file.size
    case .part(let bytes):
      part = bytes
      status = 206
      headers.append(("Content-Range", "bytes \(bytes.lowerBound)-\(bytes.upperBound - 1)/\(file.size)"))
    case .unsatisfiable:
      let response = HTTPResponse(
        status: 416, contentType: "text/plain; charset=utf-8",
        headers: [("Content-Range", "bytes */\(file.size)")],
        body: .bytes(Array("The file has \(file.size) bytes.\n".utf8)))
      return (response, nil)
    }
    return (
      HTTPResponse(status: status, contentType: contentType, headers: headers, body: .file(file, part)), part
    )
  }

  /// Whether an `If-None-Match` header names the tag.
  private static func matches(_ tag: String, _ header: String) -> Bool {
    header == "*"
      || header.split(separator: ",").contains { item in
        let text = item.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
        return String(text) == tag || String(text) == "W/\(tag)"
      }
  }
}
