/// What the HTTP listeners count.
package struct HTTPMetrics: Sendable {
  package let httpConnections: Counter
  package let httpRefusedConnections: Counter
  package let httpResponses: LabelledCounter
  package let httpTimeouts: Counter

  package init(_ registry: MetricsRegistry) {
    httpConnections = registry.counter("netimg_http_connections_total", "Connections that were accepted.")
    httpRefusedConnections = registry.counter(
      "netimg_http_refused_connections_total", "Connections beyond the limits, which were closed at once.")
    httpResponses = registry.counter("netimg_http_responses_total", label: "status", "Responses by status.")
    httpTimeouts = registry.counter(
      "netimg_http_timeouts_total", "Connections that were closed because the client was too slow.")
  }
}
