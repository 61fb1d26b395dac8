package import ServerCore

/// What the role control's own listeners answer: health, metrics and the API, and nothing that devices load.
package struct ControlResponder: HTTPResponder {
  private let operations: Operations

  package init(_ operations: Operations) { self.operations = operations }

  package func respondAtOnce(to request: HTTPRequest) -> HTTPResponse? {
    // The API reads the store, which may wait for a writer; files of the repository are opened.
    request.path.first == "api" || request.path.first == RepositoryFiles.name ? nil : respond(to: request)
  }

  package func plan(for request: HTTPRequest) -> HTTPBodyPlan { operations.plan(for: request) }

  package func respond(to request: HTTPRequest) -> HTTPResponse {
    operations.respond(to: request)
      ?? .text(
        404, "There is nothing by that name: ask for healthz, readyz, metrics, api/v1/… or repository/….")
  }
}
