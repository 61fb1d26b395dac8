internal import CPosixShim
internal import Glibc
internal import ServerCore

/// Serves the repository's static files, as any file server could: what is public, and nothing else of the directory. Clients
/// believe signatures, not this.
package struct RepositoryFiles: Sendable {
  /// The first part of the paths.
  static let name = "repository"

  /// The repository's directory; `nil` if it is elsewhere.
  private let directory: String?

  init(directory: String? = nil) { self.directory = directory }

  func respond(to request: HTTPRequest) -> HTTPResponse {
    guard let directory else {
      return .text(404, "This server keeps no repository: it follows one elsewhere, or none.")
    }
    let parts = Array(request.path.dropFirst())
    guard Self.isServed(parts), let file = PlainFile("\(directory)/\(parts.joined(separator: "/"))") else {
      return .text(404, "The repository has no such file: it has metadata/… and targets/….")
    }
    // Whatever has a version or a digest in its name stays what it is; the rest is asked for anew.
    let name = parts.last ?? ""
    let isPinned =
      parts[0] == "metadata"
      ? name.first?.isNumber == true : name.utf8.count == 64 || name.contains(".release.json")
    return HTTPResponse.file(
      file, tag: file.tag,
      contentType: name.hasSuffix(".json") ? "application/json" : "application/octet-stream",
      isPinned: isPinned, for: request
    ).response
  }

  /// Whether a path is one that a repository has: `metadata/N.ROLE.json` or `targets/…`, of plain names none of which is
  /// hidden. Locks and files that are being written begin with `%`, uploads with `.`.
  static func isServed(_ parts: [String]) -> Bool {
    guard
      parts.allSatisfy({ part in
        (1...255).contains(part.utf8.count) && part.utf8.first != UInt8(ascii: ".")
          && part.utf8.allSatisfy {
            (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
              || "-._~!$&'()*+,;=:@".utf8.contains($0)
          }
      })
    else { return false }
    switch parts.first {
    case "metadata": return parts.count == 2 && parts[1].hasSuffix(".json")
    case "targets": return (2...16).contains(parts.count) && !parts[parts.count - 1].hasSuffix(".part")
    default: return false
    }
  }
}

/// A regular file that is served as it is.
private final class PlainFile: ServedFile {
  let descriptor: Int32
  private let signature: FileSignature

  /// `nil` if there is no such regular file.
  init?(_ path: String) {
    let file = netimg_open(path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0)
    guard file >= 0 else { return nil }
    guard let signature = FileSignature(descriptor: file), signature.isRegular else {
      close(file)
      return nil
    }
    descriptor = file
    self.signature = signature
  }

  deinit { close(descriptor) }

  var size: Int { signature.size }
  var tag: String { signature.tag }

  func isUnchanged() -> Bool { FileSignature(descriptor: descriptor) == signature }
}
