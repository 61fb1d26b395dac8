package import BootTypes
internal import Bytes
internal import Fleet
package import NetworkTypes
internal import Synchronization

/// What a name turns out to be, for TFTP and HTTP alike.
package enum BootResource: Sendable {
  /// A file of a release or of iPXE, for a device or for nobody in particular.
  case file(ArtifactFile, name: String, device: DeviceIdentity?)
  case bytes([UInt8], name: String, device: DeviceIdentity?)
  /// There is no such thing, or the device is not to have it; the reason is for people.
  case absent(reason: String, device: DeviceIdentity?)
  /// It would be there, and its bytes are not good.
  case damaged(reason: String, device: DeviceIdentity?)
}

extension BootDirector {
  /// Looks a name up. Takes a while if a file's bytes were not looked at lately, unless `isHasty`: then it is `nil`.
  /// - Parameters:
  ///   - base: The beginning of the URLs in a script, up to the slash after the host.
  ///   - told: What the client says of itself beside its name.
  ///   - peer: Who asks.
  package func resource(
    _ name: BootName, base: String, told: DeviceIdentity = DeviceIdentity(), peer: IPAddress? = nil,
    isHasty: Bool
  ) -> BootResource? {
    switch name {
    case .content(let digest):
      if isHasty {
        return library.openAtOnce(content: digest).map { .file($0, name: digest.hex, device: nil) }
      }
      return Self.opened(digest.hex, nil) { () throws(BootServerError) in try library.open(content: digest) }
    case .program(let program): return self.program(program, for: nil)
    case .script(let device): return script(for: device, base: base, told: told, peer: peer)
    case .artifact(let device, let release, let name):
      if BootName.programs.contains(name) { return program(name, for: device) }
      let chosen = release ?? verdict(for: device, firmware: nil).release?.digest
      guard let chosen else {
        return .absent(reason: verdict(for: device, firmware: nil).reason, device: device)
      }
      if isHasty { return library.openAtOnce(chosen, name).map { .file($0, name: name, device: device) } }
      return Self.opened(name, device) { () throws(BootServerError) in try library.open(chosen, name) }
    }
  }

  private static func opened(
    _ name: String, _ device: DeviceIdentity?, _ body: () throws(BootServerError) -> ArtifactFile
  ) -> BootResource {
    do throws(BootServerError) {
      return .file(try body(), name: name, device: device)
    } catch {
      return error.code == .notFound
        ? .absent(reason: error.message, device: device) : .damaged(reason: error.message, device: device)
    }
  }

  private func program(_ name: String, for device: DeviceIdentity?) -> BootResource {
    let programs = settings.programs
    guard let bytes = programs[name] else {
      return .absent(
        reason:
          "\(name) is not in \(programs.directory): install Debian's package ipxe, or set ipxe.firmware",
        device: device)
    }
    return .bytes(bytes, name: name, device: device)
  }

  /// The script for a device's iPXE: how to load its image, or why there is none.
  private func script(
    for device: DeviceIdentity, base: String, told: DeviceIdentity, peer: IPAddress?
  ) -> BootResource {
    let now = clock()
    let (verdict, isUEFI, notice) = state.withLock { state -> (BootVerdict, Bool, String?) in
      var record = state.table.find(device)
      let notice = record.flatMap { Self.contradiction(told, $0, now, &state) }
      var identity = device
      identity.uuid = identity.uuid ?? record?.uuid ?? told.uuid
      identity.serial = record?.serial ?? told.serial
      record = record ?? state.table.find(identity)
      // Only iPXE says the serial number: what the inventory knows the device by may come to light here. Anybody can
      // say one, so only what is not known yet counts, and only of a device that is about to boot.
      if var device = record, let boot = state.boots[device.id],
        [.refused, .offered, .loading].contains(boot.state), now - boot.updated < Self.silence,
        state.isAddress(peer, of: device.id), device.complete(identity)
      {
        state.table.put(device)
        state.pending.devices.insert(device.id)
        record = device
      }
      // What asked by DHCP before; a script that is asked for out of the blue is for UEFI if its device ever was.
      let firmware = record.flatMap { state.boots[$0.id]?.firmware ?? $0.seen.firmware } ?? ""
      return (
        self.verdict(
          for: identity, record: record, firmware: nil, address: nil, state.settings, state.channels, now),
        firmware.hasPrefix("uefi"), notice
      )
    }
    if let notice { report(.warning, notice) }
    var values: [ScriptTemplate.Variable: String] = [.deviceName: verdict.assignment.name]
    let template: ScriptTemplates.Name
    switch (verdict.action, verdict.release) {
    case (.boot, .some(let release)):
      template = isUEFI ? .uefi : .bios
      values[.releaseName] = release.name
      values[.releaseVersion] = release.version
      values[.releaseDigest] = release.digest.hex
      values[.commandLine] = release.commandLine
      func url(_ name: String) -> String? {
        guard release.artifact(name) != nil else { return nil }
        return BootName.artifact(device: device, release: release.digest, name: name).path.map { base + $0 }
      }
      values[.ukiURL] = url(release.uki)
      values[.kernelURL] = url(Artifacts.kernel)
      values[.initrdURL] = url(Artifacts.initrd)
    case (.localDisk, _):
      template = .localDisk
      values[.message] = Self.line(verdict.reason)
    default:
      template = .hold
      values[.message] = Self.line(verdict.reason)
    }
    do {
      let text = try settings.templates.render(template, values)
      return .bytes(Array(text.utf8), name: BootName.scriptName, device: device)
    } catch {
      return .damaged(reason: error.message, device: device)
    }
  }

  /// What a script's URL says of a device and its record does not; a notice, if it is to be said now.
  private static func contradiction(
    _ told: DeviceIdentity, _ record: DeviceRecord, _ now: Int64, _ state: inout State
  ) -> String? {
    var claims: [String] = []
    if let known = record.serial, let serial = told.serial, known != serial {
      claims.append("the serial number \(serial) and has \(known)")
    }
    if let known = record.uuid, let uuid = told.uuid, known != uuid {
      claims.append("the UUID \(uuid) and has \(known)")
    }
    guard !claims.isEmpty else { return nil }
    let name = record.macs.first?.description ?? "a device"
    return notice(
      now, .warning, "identity", record.id,
      "somebody who asks for the script of \(name) states \(claims.joined(separator: ", and "))", &state)
  }

  /// A sentence as a script can show it: plain ASCII on one line, nothing that iPXE would put a value into.
  private static func line(_ text: String) -> String {
    String(
      decoding: text.replacing("${", with: "$ {").utf8.map {
        (0x20...0x7E).contains($0) ? $0 : UInt8(ascii: "?")
      },
      as: UTF8.self)
  }
}
