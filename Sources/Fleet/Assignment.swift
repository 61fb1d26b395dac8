package import BootTypes
package import Manifest
package import NetworkTypes

/// What the inventory says of one device, and why.
package struct Assignment: Sendable {
  /// Who named the device.
  package enum Standing: String, Sendable, Hashable {
    /// The manifest.
    case declared
    /// An operator, with `netimg device set`.
    case set
    /// Nobody.
    case unknown
  }

  /// What the device boots.
  package enum Source: Sendable, Hashable {
    case release(ReleaseReference)
    /// What a channel says of an image; `nil` for the only one that it has.
    case channel(String, image: String? = nil)
    case localDisk
    /// Nothing, and it is not even noted.
    case ignored
    /// Nothing, for that reason: a sentence with what to do next.
    case held(String)
  }

  /// What people call it.
  package let name: String
  package let standing: Standing
  package let site: String?
  package let group: String?
  package let labels: [FleetLabel]
  package let source: Source
  package let retry: RetryPolicy
  /// Why, one sentence a step.
  package let steps: [String]
}

extension Inventory {
  /// What a device is to boot. The answer depends on nothing but the manifest and what is given here.
  package func assignment(
    of identity: DeviceIdentity, known record: DeviceRecord?, address: IPv4Address?
  ) -> Assignment {
    var steps: [String] = []
    let settings = record?.settings ?? DeviceSettings()
    let declared = declaration(of: identity, known: record)
    let name = settings.name ?? declared?.name ?? record?.macs.first?.description ?? "\(identity)"
    if let declared {
      steps.append("\(identity) is \(declared.name), declared at \(declared.location)")
      if let uuid = identity.uuid, let other = declaration(of: DeviceIdentity(uuid: uuid), known: nil),
        other.name != declared.name
      {
        steps.append("its UUID \(uuid) is that of \(other.name): the MAC address decides")
      }
    } else if let name = settings.name {
      steps.append("\(identity) is \(name), so named by netimg device set")
    }
    let labels = Self.merge(declared?.labels ?? [], settings.labels)
    let site = declared?.site ?? self.site(of: address)
    let hasSettings =
      settings.group != nil || settings.release != nil || settings.name != nil || !settings.labels.isEmpty
    let standing: Assignment.Standing = declared != nil ? .declared : hasSettings ? .set : .unknown

    let choice = chooseGroup(named: name, declared: declared, settings, labels, standing, &steps)
    var source: Assignment.Source
    switch choice {
    case .group(let group): source = Self.source(of: group, &steps)
    case .none(let other): source = other
    }
    // A release of the device's own needs no group.
    if let release = settings.release {
      steps.append("netimg device set gives it the release \(release)")
      source = .release(release)
    } else if let release = declared?.release {
      steps.append("its entry in the manifest gives it the release \(release)")
      source = .release(release)
    }
    return Assignment(
      name: name, standing: standing, site: site, group: choice.group?.name, labels: labels, source: source,
      retry: choice.group?.retry ?? RetryPolicy(), steps: steps)
  }

  private enum Choice {
    case group(FleetGroup)
    case none(Assignment.Source)

    var group: FleetGroup? {
      if case .group(let group) = self { group } else { nil }
    }
  }

  private func chooseGroup(
    named name: String, declared: Located<FleetDevice>?, _ settings: DeviceSettings, _ labels: [FleetLabel],
    _ standing: Assignment.Standing, _ steps: inout [String]
  ) -> Choice {
    if let wanted = settings.group {
      guard let group = group(named: wanted) else {
        return .none(
          .held(
            "netimg device set gives \(name) the group \(wanted), which \(place) does not have: add it there, or set another"
          ))
      }
      steps.append("netimg device set puts it in the group \(wanted)")
      return .group(group)
    }
    if let wanted = declared?.group, let group = group(named: wanted) {
      steps.append("its entry in the manifest puts it in the group \(wanted)")
      return .group(group)
    }
    let fitting = manifest.groups.filter { !$0.match.isEmpty && Set($0.match).isSubset(of: labels) }
    if let group = fitting.first {
      let text = group.match.map { "\($0.name)=\($0.value)" }.joined(separator: ", ")
      steps.append("its labels \(text) put it in the group \(group.name)")
      if fitting.count > 1 {
        steps.append(
          "they fit \(fitting.dropFirst().map(\.name).joined(separator: " and ")) too: the first in the manifest counts"
        )
      }
      return .group(group.value)
    }
    guard standing == .unknown else {
      return .none(
        .held(
          "\(name) is in no group: give it one in \(place), or with netimg device set \(name) --group GROUP"))
    }
    return unknownDevice(name, &steps)
  }

  private func unknownDevice(_ name: String, _ steps: inout [String]) -> Choice {
    steps.append("\(name) is in no manifest, and no operator has named it")
    switch manifest.unknownDevices {
    case .ignore: return .none(.ignored)
    case .discover:
      return .none(
        .held(
          "\(name) is unknown, and unknown devices are only noted: add it to \(place), or run netimg device set \(name) --group GROUP"
        ))
    case .boot(let wanted):
      guard let group = group(named: wanted) else {
        return .none(.held("there is no group \(wanted) in \(place)"))
      }
      steps.append("unknown devices are treated as members of the group \(wanted)")
      return .group(group)
    }
  }

  private static func source(of group: FleetGroup, _ steps: inout [String]) -> Assignment.Source {
    switch group.source {
    case .channel(let channel, let image):
      steps.append(
        "the group \(group.name) follows the channel \(channel)\(image.map { " with the image \($0)" } ?? "")"
      )
      return .channel(channel, image: image)
    case .release(let release):
      steps.append("the group \(group.name) is pinned to \(release)")
      return .release(release)
    case .localDisk:
      steps.append("the group \(group.name) boots from its local disk")
      return .localDisk
    }
  }

  /// The manifest's labels with an operator's over them, sorted by name.
  private static func merge(_ declared: [FleetLabel], _ set: [FleetLabel]) -> [FleetLabel] {
    let overridden = Set(set.map(\.name))
    return (declared.filter { !overridden.contains($0.name) } + set)
      .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
  }

  /// The manifest's file, for sentences.
  private var place: String { source ?? "a fleet manifest (fleet.yaml in the state directory)" }
}
