internal import NetworkTypes

/// The keys of `kind: Fleet`.
enum FleetKeys {
  enum Kind: String, Sendable, CaseIterable {
    case fleet = "Fleet"
  }

  static let kind = Key(
    "kind", .enumeration(Kind.allCases), "What this describes.", example: "Fleet", required: true)
  static let name = Key("name", .text(.name), "The fleet's name.", example: "example", required: true)
  static let unknownDevices = Key(
    "unknownDevices", unknown,
    "What happens to devices that nobody named; they are noted and get no answer if it is missing.",
    example: "{action: discover}")
  static let sites = Key(
    "sites", .list(of: site), "Places with networks of their own.",
    example: "[{name: berlin, networks: [192.0.2.0/24]}]")
  static let groups = Key(
    "groups", .list(of: group), "Devices that boot the same.",
    example: "[{name: edge, release: edge-router@1.2.0}]")
  static let devices = Key(
    "devices", .list(of: device), "The devices.",
    example: #"[{name: edge-1, mac: ["52:54:00:12:34:56"], group: edge}]"#)

  static let fleet = ValueType<FleetManifest>.object(
    "Fleet", "Which device boots what.",
    keys: [
      ManifestKeys.apiVersion, kind, name, ManifestKeys.description, unknownDevices, sites, groups, devices,
    ]
  ) { fields, context in
    guard let name = fields[name] else { return nil }
    let fleet = FleetManifest(
      name: name, description: fields[ManifestKeys.description] ?? "",
      unknownDevices: fields[unknownDevices]?.value ?? .discover, sites: fields[sites] ?? [],
      groups: fields[groups] ?? [], devices: fields[devices] ?? [])
    fleet.check(unknownDevicesAt: fields[unknownDevices]?.location, &context)
    return fleet
  }

  // What happens to unknown devices.
  enum Action: String, Sendable, CaseIterable {
    case ignore, discover, boot
  }

  static let action = Key(
    "action", .enumeration(Action.allCases),
    "ignore: nothing to boot, no trace; discover: noted, nothing to boot; boot: noted, and booted as the group says. With dhcp.mode: server each gets an address.",
    example: "discover", required: true)
  static let unknownGroup = Key(
    "group", .text(.name), "The group that they are treated as members of, with boot.", example: "edge")

  static let unknown = ValueType<Located<UnknownDevices>>.object(
    "UnknownDevices", "What happens to devices that nobody named.", keys: [action, unknownGroup]
  ) { fields, context in
    guard let action = fields[action] else { return nil }
    let group = fields.located(unknownGroup)
    switch (action, group) {
    case (.boot, .some(let group)): return group.map { .boot(group: $0) }
    case (.boot, .none):
      context.report(
        .missingKey, at: fields.location, "action: boot needs the key group", suggestion: "add group: edge")
      return nil
    case (_, .some(let group)):
      context.report(
        .badValue, at: group.location, "only action: boot takes a group", suggestion: "remove one of the two")
      return nil
    case (.ignore, .none): return Located(.ignore, origin: fields.origin, location: fields.location)
    case (.discover, .none): return Located(.discover, origin: fields.origin, location: fields.location)
    }
  }

  // Sites.
  static let siteName = Key("name", .text(.name), "The site's name.", example: "berlin", required: true)
  static let networks = Key(
    "networks", .values(of: network),
    "Where its devices boot from: their own addresses, or those of their relay agents.",
    example: "[192.0.2.0/24]")

  static let network = ValueType<String>.text(.ipv4Network).map { text, location, context in
    let network = IPv4Network(text)
    if network == nil {
      context.report(
        .badValue, at: location, "\(text) has bits behind its prefix length",
        suggestion: "write the network's own address, such as 192.0.2.0/24")
    }
    return network
  }

  static let site = ValueType<FleetSite>.object(
    "Site", "A place with networks of its own.", keys: [siteName, ManifestKeys.description, networks]
  ) { fields, _ in
    fields[siteName].map {
      FleetSite(
        name: $0, description: fields[ManifestKeys.description] ?? "", networks: fields[networks] ?? [])
    }
  }
}
