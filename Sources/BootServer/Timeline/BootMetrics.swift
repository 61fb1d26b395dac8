package import ServerCore

/// What the boot server counts.
package struct BootMetrics: Sendable {
  package let boots: Counter
  package let handedOver: Counter
  package let failedBoots: Counter
  package let dhcpQuestions: LabelledCounter
  package let dhcpAnswers: LabelledCounter
  package let dhcpDropped: Counter
  package let leases: LabelledCounter
  package let competitors: Counter
  package let transfers: LabelledCounter
  package let bytes: LabelledCounter
  package let damagedFiles: Counter
  package let storeFailures: Counter

  package init(_ registry: MetricsRegistry) {
    boots = registry.counter("netimg_boots_total", "Boots that began.")
    handedOver = registry.counter("netimg_boots_handed_over_total", "Boots whose image was fetched whole.")
    failedBoots = registry.counter(
      "netimg_boots_failed_total", "Boots after which the device asked again too soon.")
    dhcpQuestions = registry.counter(
      "netimg_dhcp_questions_total", label: "client", "Netboot questions by DHCP.")
    dhcpAnswers = registry.counter("netimg_dhcp_answers_total", label: "answer", "What became of them.")
    dhcpDropped = registry.counter(
      "netimg_dhcp_dropped_total", "DHCP messages that were not valid or not allowed.")
    leases = registry.counter(
      "netimg_dhcp_leases_total", label: "event", "Addresses granted, renewed, given back.")
    competitors = registry.counter(
      "netimg_dhcp_competitors_total", "Boot offers of other servers to our devices.")
    transfers = registry.counter(
      "netimg_transfers_total", label: "end", "Transfers by protocol and how they ended.")
    bytes = registry.counter(
      "netimg_transfer_bytes_total", label: "protocol", "Bytes of files delivered to devices.")
    damagedFiles = registry.counter(
      "netimg_library_damaged_total", "Files of the library that were found damaged.")
    storeFailures = registry.counter("netimg_store_failures_total", "Writes to the store that failed.")
  }
}
