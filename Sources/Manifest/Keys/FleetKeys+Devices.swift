internal import NetworkTypes

extension FleetKeys {
  static let deviceName = Key("name", .text(.name), "The device's name.", example: "edge-1", required: true)
  static let macs = Key(
    "mac", .values(of: mac, allowsEmpty: false), "The MAC addresses of its network ports.",
    example: #"["52:54:00:12:34:56"]"#)
  static let uuid = Key(
    "uuid", uuidValue, "The UUID that its firmware states (SMBIOS system UUID).",
    example: "8c3f2b0e-5a76-4a0e-9d3b-0f6f1c2d3e4f")
  static let serial = Key(
    "serial", .text(.serialNumber), "Its serial number (SMBIOS); only iPXE and the agent state it.",
    example: "ABC-1234")
  static let deviceSite = Key("site", .text(.name), "The site where it is.", example: "berlin")
  static let deviceGroup = Key("group", .text(.name), "The group that it belongs to.", example: "edge")
  static let deviceRelease = Key(
    "release", reference, "A release of its own, whatever its group says.", example: "edge-router@1.2.1")
  static let labels = Key(
    "labels", labelList, "Labels, by which groups choose devices.", example: "{role: edge, rack: a1}")

  static let mac = ValueType<String>.text(.macAddress).map { text, _, _ in MACAddress(text) }
  static let uuidValue = ValueType<String>.text(.uuid).map { text, _, _ in MachineUUID(text) }

  static let device = ValueType<FleetDevice>.object(
    "Device", "A device, known by any of its MAC addresses, its UUID or its serial number.",
    keys: [
      deviceName, ManifestKeys.description, macs, uuid, serial, deviceSite, deviceGroup, deviceRelease,
      labels,
    ],
    atLeastOne: ["mac", "uuid", "serial"]
  ) { fields, _ in
    fields[deviceName].map {
      FleetDevice(
        name: $0, description: fields[ManifestKeys.description] ?? "", macs: fields[macs] ?? [],
        uuid: fields[uuid], serial: fields[serial], site: fields[deviceSite], group: fields[deviceGroup],
        release: fields[deviceRelease], labels: fields[labels] ?? [])
    }
  }
}
