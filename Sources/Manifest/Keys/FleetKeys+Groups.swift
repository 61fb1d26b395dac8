extension FleetKeys {
  static let groupName = Key("name", .text(.name), "The group's name.", example: "edge", required: true)
  static let channel = Key(
    "channel", .text(.name), "The channel that says which release is current.", example: "prod")
  static let image = Key(
    "image", .text(.name), "With channel: which of its images; its only one if this is missing.",
    example: "edge-router")
  static let release = Key(
    "release", reference, "The release to boot, whatever any channel says.", example: "edge-router@1.2.0")
  static let localDisk = Key(
    "localDisk", .boolean, "Nothing from the network: firmware goes on to the disk.", example: "true")
  static let match = Key(
    "match", labelList, "Devices with all of these labels belong to the group, unless they name another.",
    example: "{role: edge}")
  static let retry = Key(
    "retry", retryPolicy, "What happens to a device whose boots keep failing.",
    example: "{failures: 3, backOff: 30s}")

  static let reference = ValueType<String>.text(.releaseReference).map { text, _, _ in ReleaseReference(text)
  }

  static let labelList = ValueType<[Located<(key: String, value: String)>]>.map(
    key: .label, value: .text(.labelValue)
  ).map { entries, _, _ in
    entries.map { FleetLabel(name: $0.value.key, value: $0.value.value) }
      .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  static let group = ValueType<FleetGroup>.object(
    "DeviceGroup", "Devices that boot the same.",
    keys: [groupName, ManifestKeys.description, channel, image, release, localDisk, match, retry],
    exactlyOne: ["channel", "release", "localDisk"]
  ) { fields, context in
    guard let name = fields[groupName] else { return nil }
    let source: BootSource
    if fields[channel] == nil, let image = fields.located(image) {
      context.report(
        .conflict, at: image.location, "image without channel says nothing",
        suggestion: "add channel: NAME, or write release: NAME@VERSION")
    }
    if let channel = fields[channel] {
      source = .channel(channel, image: fields[image])
    } else if let release = fields[release] {
      source = .release(release)
    } else {
      guard fields[localDisk] == true else {
        let place = fields.located(localDisk)?.location ?? fields.location
        context.report(
          .badValue, at: place, "localDisk: false leaves the group nothing to boot",
          suggestion: "write localDisk: true, or name a channel or a release")
        return nil
      }
      source = .localDisk
    }
    return FleetGroup(
      name: name, description: fields[ManifestKeys.description] ?? "", source: source,
      match: fields[match] ?? [], retry: fields[retry] ?? RetryPolicy())
  }

  // Retries.
  static let failures = Key(
    "failures", .integer(0...1000),
    "After this many failed boots in a row of one release the device stays down, until an operator or another release arms it again; 0 for never; 5 if it is missing.",
    example: "3")
  static let backOff = Key(
    "backOff", .duration, "How long a device waits after its first failed boot; it doubles with each.",
    example: "30s", fallback: "10s")
  static let maximumBackOff = Key(
    "maximumBackOff", .duration, "The longest such wait.", example: "5min", fallback: "10min")
  static let settle = Key(
    "settle", .duration, "A device that asks again within this time of getting its image did not boot well.",
    example: "2min", fallback: "5min")
  static let afterwards = Key(
    "afterwards", .enumeration(RetryPolicy.Afterwards.allCases),
    "What down means: no answer (iPXE, and a BIOS by it, shows why and goes on asking), or on to the local disk.",
    example: "localDisk", fallback: "stayDown")

  static let retryPolicy = ValueType<RetryPolicy>.object(
    "Retry", "What happens to a device whose boots keep failing.",
    keys: [failures, backOff, maximumBackOff, settle, afterwards]
  ) { fields, _ in
    let standard = RetryPolicy()
    return RetryPolicy(
      failures: fields[failures] ?? standard.failures, backOff: fields[backOff] ?? standard.backOff,
      maximumBackOff: fields[maximumBackOff] ?? standard.maximumBackOff,
      settle: fields[settle] ?? standard.settle, afterwards: fields[afterwards] ?? standard.afterwards)
  }
}
