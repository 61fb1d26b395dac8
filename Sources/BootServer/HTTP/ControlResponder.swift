package import ServerCore

/// What the role control's own listeners answer: health, metrics and the API, and nothing that devices load.
package struct ControlResponder: HTTPResponder {
  private let operations: Operations

  package init(_ operations: Operations) { self.operations = operations }

  package func respondAtOnce(to request: HTTPRequest) -> HTTPResponse? {
    // The API reads the store, which may wait for a writer.
    request.path.first == "api" ? nil : respond(to: request)
  }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    operations.respond(to: request)
      ?? .text(404, "There is nothing by that name: ask for healthz, readyz, metrics or api/v1/….")
  }
}
