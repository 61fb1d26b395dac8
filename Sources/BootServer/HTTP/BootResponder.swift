internal import BootTypes
internal import Bytes
internal import Fleet
internal import NetworkTypes
package import ServerCore

/// What the HTTP listeners answer: files and scripts for devices, and for operators metrics and the API.
package struct BootResponder: HTTPResponder {
  private let director: BootDirector
  private let operations: Operations

  package init(director: BootDirector, operations: Operations) {
    self.director = director
    self.operations = operations
  }

  package func respondAtOnce(to request: HTTPRequest) -> HTTPResponse? {
    // The API reads the store, which may wait for a writer; files of the repository are opened.
    if request.path.first == "api" || request.path.first == RepositoryFiles.name { return nil }
    return respond(to: request, isHasty: true)
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    respond(to: request, isHasty: false) ?? .text(503, "Try again.")
  }

  package func plan(for request: HTTPRequest) -> HTTPBodyPlan { operations.plan(for: request) }

  private func respond(to request: HTTPRequest, isHasty: Bool) -> HTTPResponse? {
    if let response = operations.respond(to: request) { return response }
    guard let name = BootName(request.path) else {
      return .text(
        404,
        "There is nothing by that name. Devices ask for boot/DEVICE/…, ipxe/PROGRAM or sha256/DIGEST; others for repository/…."
      )
    }
    let told = DeviceIdentity(
      uuid: request.field("uuid").flatMap { MachineUUID($0) },
      serial: request.field("serial").flatMap { $0.contains("$") ? nil : $0 })
    guard
      let resource = director.resource(
        name, base: base(request), told: told, peer: request.peer, isHasty: isHasty)
    else {
      return nil
    }
    return answer(resource, request)
  }

  private func answer(_ resource: BootResource, _ request: HTTPRequest) -> HTTPResponse {
    switch resource {
    case .absent(let reason, let device):
      director.noteHTTPFailure(request.path.last ?? "", reason, device, status: 404)
      return .text(404, reason)
    case .damaged(let reason, let device):
      director.noteHTTPFailure(request.path.last ?? "", reason, device, status: 503)
      return .text(503, "\(reason).")
    case .bytes(let bytes, let name, let device):
      if let device, request.method == .get {
        director.noteHTTPBytes(name, bytes.count, device, peer: request.peer)
      }
      let type = name == BootName.scriptName ? "text/plain; charset=us-ascii" : Self.contentType(name)
      return HTTPResponse(contentType: type, headers: [("Cache-Control", "no-store")], body: .bytes(bytes))
    case .file(let file, let name, let device): return answer(file, name, device, request)
    }
  }

  private func answer(
    _ file: ArtifactFile, _ name: String, _ device: DeviceIdentity?, _ request: HTTPRequest
  ) -> HTTPResponse {
    // A path with a digest in it never means other bytes.
    var (response, part) = HTTPResponse.file(
      file, tag: "\"\(file.digest.hex)\"", contentType: Self.contentType(name),
      isPinned: request.path.contains { $0.utf8.count == 64 }, for: request)
    guard let part else { return response }
    let isHead = request.method == .head
    if let device { director.noteHTTPStart(name, device, isHead: isHead, peer: request.peer) }
    let director = director
    let peer = request.peer
    response.onDelivery = { delivery in
      if !isHead { director.noteHTTPEnd(name, part, of: file, device, delivery, peer: peer) }
    }
    return response
  }

  /// UEFI firmware goes by the type or by the name's end.
  private static func contentType(_ name: String) -> String {
    if name.hasSuffix(".efi") { return "application/efi" }
    if name.hasSuffix(".json") { return "application/json" }
    return "application/octet-stream"
  }

  private func base(_ request: HTTPRequest) -> String {
    // The name that the client used is the one that it can reach; a strange one is not repeated into a script.
    if let host = request.header("host"), (1...255).contains(host.utf8.count),
      host.utf8.allSatisfy({
        (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0)
          || [0x2D, 0x2E, 0x3A, 0x5B, 0x5D].contains($0)
      })
    {
      return "http://\(host)/"
    }
    switch request.local {
    case .v4(let address): return "http://\(address):\(director.settings.httpPort)/"
    case .v6(let address): return "http://[\(address)]:\(director.settings.httpPort)/"
    }
  }
}
