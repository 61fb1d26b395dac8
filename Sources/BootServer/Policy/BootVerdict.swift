internal import Bytes
internal import DHCP
package import Fleet
internal import ImageBuilder
internal import Manifest

/// What a device is told to do, and why.
package struct BootVerdict: Sendable {
  /// What a client loads next.
  package enum Payload: Sendable, Hashable {
    /// The image itself, as one EFI program.
    case uki
    /// A program of iPXE's, by its file name.
    case ipxe(String)
    /// A script for iPXE, which names what to load.
    case script
  }

  package enum Action: Sendable, Hashable {
    /// No boot information. With `isNoted` false, no trace either.
    case silence(isNoted: Bool)
    /// It boots later, and shall go on asking.
    case wait
    /// On to the next boot device.
    case localDisk
    case boot(Payload)
  }

  package let action: Action
  /// What it boots in the end.
  package let release: LibraryRelease?
  /// One sentence: what happens, and what to do if that is not what you want.
  package let reason: String
  /// How it was decided, one sentence a step.
  package let steps: [String]
  package let assignment: Assignment
}

/// Decides what a device boots. The same inventory, library, device and time give the same verdict.
package struct BootPolicy: Sendable {
  private let inventory: Inventory
  private let library: ReleaseLibrary
  private let chainloadsUEFI: Bool
  private let channels: ChannelTable?

  /// - Parameters:
  ///   - chainloadsUEFI: Whether UEFI firmware that loads by TFTP gets iPXE first.
  ///   - channels: What the channels say; `nil` if there is no repository.
  package init(
    inventory: Inventory, library: ReleaseLibrary, chainloadsUEFI: Bool, channels: ChannelTable? = nil
  ) {
    self.inventory = inventory
    self.library = library
    self.channels = channels
    self.chainloadsUEFI = chainloadsUEFI
  }

  /// - Parameters:
  ///   - firmware: What asks; `nil` if that is not known, and then only the release is decided.
  ///   - now: Seconds since 1970.
  package func verdict(
    for assignment: Assignment, device record: DeviceRecord?, firmware: BootFirmware?, now: Int64
  ) -> BootVerdict {
    var steps = assignment.steps
    func verdict(_ action: BootVerdict.Action, _ release: LibraryRelease? = nil, _ reason: String)
      -> BootVerdict
    {
      BootVerdict(
        action: action, release: release, reason: reason, steps: steps, assignment: assignment)
    }
    let reference: ReleaseReference
    switch assignment.source {
    case .ignored:
      return verdict(
        .silence(isNoted: false), nil, "\(assignment.name) is unknown, and unknown devices are ignored")
    case .held(let reason): return verdict(.silence(isNoted: true), nil, reason)
    case .localDisk:
      return verdict(.localDisk, nil, "\(assignment.name) is told to boot from its local disk")
    case .channel(let name, let image):
      guard let channels else {
        return verdict(
          .silence(isNoted: true), nil,
          "\(assignment.name) follows the channel \(name), and this server follows no repository: name one in its settings (repository), or pin the group to a release"
        )
      }
      switch channels.current(name, image: image, now: now) {
      case .refused(let reason):
        return verdict(.wait, nil, "\(assignment.name) boots nothing: \(reason)")
      case .release(let entry):
        steps.append(
          "\(name) names \(entry.image) \(entry.version) since \(entry.time) (version \(entry.channelVersion) of its metadata, good until \(ChannelTable.text(entry.validUntil))): \(entry.reason)"
        )
        if let from = entry.rollbackFrom { steps.append("that is a rollback from \(from), signed as such") }
        if let problem = channels.problem {
          steps.append(
            "the last look at the repository failed, and what was trusted before counts until it expires: \(problem)"
          )
        }
        if let coming = channels.channels[name]?.coming {
          steps.append("\(coming) is on its way from the repository, and follows once it is here")
        }
        if let problem = channels.channels[name]?.problem {
          steps.append("what the channel says by now is not served: \(problem)")
        }
        reference = .digest(entry.release.hex)
      }
    case .release(let pinned): reference = pinned
    }
    guard let release = library.find(reference) else {
      return verdict(
        .wait, nil,
        "the release \(reference) is not in the library \(library.directory): netimg publish RELEASE --to \(library.directory)"
      )
    }
    if case .named = reference {
      steps.append("\(reference) is \(release.title), the newest published one of that name")
    }
    let health = record?.health ?? BootHealth()
    switch health.readiness(
      for: release.digest.hex, armed: record?.settings.armed ?? 0, retry: assignment.retry, now: now)
    {
    case .ready: break
    case .waiting(let until, let failures):
      return verdict(
        .wait, release,
        "\(assignment.name) failed to boot \(release.title) \(failures == 1 ? "once" : "\(failures) times in a row"), and waits for another \(until - now) s"
      )
    case .down(let failures):
      let what =
        assignment.retry.afterwards == .localDisk ? "is sent to its local disk" : "stays down"
      return verdict(
        assignment.retry.afterwards == .localDisk ? .localDisk : .wait, release,
        "\(assignment.name) failed to boot \(release.title) \(failures) times in a row and \(what): give it another release, or netimg device set \(assignment.name) --arm"
      )
    }
    guard let firmware else {
      return verdict(.boot(.script), release, "\(assignment.name) boots \(release.title)")
    }
    return choose(for: firmware, release, steps, assignment)
  }

  /// The file for this firmware.
  private func choose(
    for firmware: BootFirmware, _ release: LibraryRelease, _ steps: [String], _ assignment: Assignment
  ) -> BootVerdict {
    var steps = steps
    func verdict(_ action: BootVerdict.Action, _ reason: String) -> BootVerdict {
      BootVerdict(action: action, release: release, reason: reason, steps: steps, assignment: assignment)
    }
    guard firmware.imageArchitecture == release.architecture else {
      return verdict(
        .silence(isNoted: true),
        "\(assignment.name) boots as \(firmware), and \(release.title) is for \(release.architecture): give it a release for its architecture"
      )
    }
    let needed = firmware.isUEFI ? [release.uki] : [Artifacts.kernel, Artifacts.initrd]
    for name in needed {
      guard release.artifact(name) != nil else {
        return verdict(
          .silence(isNoted: true), "\(release.title) has no \(name), which \(firmware) needs: build it anew")
      }
      if let damage = library.damage(of: release.digest, name) {
        return verdict(.wait, "\(release.title) is damaged in the library: \(damage)")
      }
    }
    let payload: BootVerdict.Payload
    switch (firmware.client, firmware.isUEFI) {
    case (.ipxe, _):
      payload = .script
      steps.append("iPXE gets a script that loads \(needed.joined(separator: " and "))")
    case (.http, _):
      payload = .uki
      steps.append("\(firmware) loads \(release.uki)")
    case (.pxe, true) where !chainloadsUEFI:
      payload = .uki
      steps.append("\(firmware) loads \(release.uki)")
    case (.pxe, true):
      payload = .ipxe(firmware.architecture.machine == .arm64 ? "ipxe-arm64.efi" : "ipxe.efi")
      steps.append("\(firmware) loads iPXE first, as ipxe.chainloadUEFI says")
    case (.pxe, false):
      payload = .ipxe("undionly.kpxe")
      steps.append("\(firmware) loads iPXE (undionly.kpxe) first, which loads kernel and initrd")
    }
    return verdict(.boot(payload), "\(assignment.name) boots \(release.title)")
  }
}

/// The names of a release's files that devices load.
package enum Artifacts {
  package static let uki = ReleaseFile.uki
  package static let signedUKI = ReleaseFile.signedUKI
  package static let kernel = ReleaseFile.kernel
  package static let initrd = ReleaseFile.initrd
}
