internal import NetworkTypes

extension FleetManifest {
  /// Reports what contradicts itself: names and identifiers that are there twice, groups and sites that are not there,
  /// devices whose labels fit two groups, sites that share an address.
  func check(unknownDevicesAt location: SourceLocation?, _ context: inout DecodingContext) {
    checkNames("site", sites.map { $0.map(\.name) }, &context)
    checkNames("group", groups.map { $0.map(\.name) }, &context)
    checkNames("device", devices.map { $0.map(\.name) }, &context)
    if case .boot(let group) = unknownDevices, let location { check(group: group, at: location, &context) }
    checkNetworks(&context)
    var owners: [String: Located<FleetDevice>] = [:]
    for device in devices {
      var identifiers = device.macs.map(\.description)
      if let uuid = device.uuid { identifiers.append(uuid.description) }
      if let serial = device.serial { identifiers.append("serial number \(serial)") }
      for identifier in identifiers {
        if let other = owners[identifier] {
          context.report(
            .conflict, at: device.location,
            "\(identifier) belongs to \(other.name) already, at \(other.location)",
            suggestion: "remove it from one of the two")
        }
        owners[identifier] = device
      }
      if let group = device.group { check(group: group, at: device.location, &context) }
      if let site = device.site, !sites.contains(where: { $0.name == site }) {
        let nearest = Suggestions.nearest(to: site, among: sites.map(\.name))
        context.report(
          .notFound, at: device.location, "there is no site \(site)",
          suggestion: nearest.map { "did you mean \($0)?" } ?? "add it to sites")
      }
      let fitting = groups.filter { !$0.match.isEmpty && Set($0.match).isSubset(of: device.labels) }.map(
        \.name)
      if device.group == nil, fitting.count > 1 {
        context.report(
          .conflict, at: device.location,
          "the labels of \(device.name) fit the groups \(fitting.joined(separator: " and "))",
          suggestion: "name its group")
      }
    }
  }

  private func checkNames(_ kind: String, _ names: [Located<String>], _ context: inout DecodingContext) {
    var seen: [String: SourceLocation] = [:]
    for name in names {
      if let first = seen[name.value] {
        context.report(
          .conflict, at: name.location, "there is a \(kind) \(name.value) already, at \(first)",
          suggestion: "rename one of the two")
      }
      seen[name.value] = name.location
    }
  }

  private func check(group: String, at location: SourceLocation, _ context: inout DecodingContext) {
    guard !groups.contains(where: { $0.name == group }) else { return }
    let nearest = Suggestions.nearest(to: group, among: groups.map(\.name))
    context.report(
      .notFound, at: location, "there is no group \(group)",
      suggestion: nearest.map { "did you mean \($0)?" } ?? "add it to groups")
  }

  private func checkNetworks(_ context: inout DecodingContext) {
    var seen: [(network: IPv4Network, site: Located<FleetSite>)] = []
    for site in sites {
      for network in site.networks {
        if let other = seen.first(where: { $0.network.overlaps(network) && $0.site.name != site.name }) {
          context.report(
            .conflict, at: site.location,
            "\(network) overlaps \(other.network) of the site \(other.site.name), at \(other.site.location)",
            suggestion: "an address belongs to one site")
        }
        seen.append((network, site))
      }
    }
  }
}

extension IPv4Network {
  /// Whether the two have an address in common.
  func overlaps(_ other: IPv4Network) -> Bool { contains(other.address) || other.contains(address) }
}
