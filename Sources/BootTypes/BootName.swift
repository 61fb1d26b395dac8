package import Bytes
internal import NetworkTypes

/// What a device can ask for by TFTP or HTTP. There is no directory behind the names: what does not parse does not exist.
///
///     boot/DEVICE/DIGEST/FILE    a release's file, told to this device
///     boot/DEVICE/FILE           the same of the release that it boots now
///     boot/DEVICE/boot.ipxe      its iPXE script
///     ipxe/PROGRAM               a program of iPXE's
///     sha256/DIGEST[/ANY]        a file by its own digest
///
/// DEVICE is a MAC address with hyphens (52-54-00-12-34-56), or `uuid-` and a UUID; DIGEST 64 hexadecimal digits.
package enum BootName: Sendable, Hashable {
  case artifact(device: DeviceIdentity, release: SHA256Digest?, name: String)
  case script(device: DeviceIdentity)
  case program(String)
  case content(SHA256Digest)

  package static let scriptName = "boot.ipxe"
  /// iPXE's programs that are offered, if the host has them.
  package static let programs = [
    "undionly.kpxe", "ipxe.pxe", "ipxe.lkrn", "ipxe.efi", "snponly.efi", "ipxe-arm64.efi",
    "snponly-arm64.efi",
  ]

  /// Parses a path's parts.
  package init?(_ parts: [String]) {
    guard let first = parts.first else { return nil }
    switch (first, parts.count) {
    case ("boot", 3...4):
      guard let device = Self.device(parts[1]), let name = parts.last, !name.isEmpty, name.utf8.count <= 64
      else {
        return nil
      }
      if parts.count == 3 {
        self =
          name == Self.scriptName
          ? .script(device: device) : .artifact(device: device, release: nil, name: name)
      } else {
        guard parts[2].utf8.count == 64, let digest = SHA256Digest(hex: parts[2]) else { return nil }
        self = .artifact(device: device, release: digest, name: name)
      }
    case ("ipxe", 2):
      guard Self.programs.contains(parts[1]) else { return nil }
      self = .program(parts[1])
    case ("sha256", 2...3):
      guard parts[1].utf8.count == 64, let digest = SHA256Digest(hex: parts[1]) else { return nil }
      self = .content(digest)
    default: return nil
    }
  }

  /// Parses a TFTP file name.
  package init?(path: String) {
    self.init(path.slashSeparated())
  }

  /// The name as a path without a leading slash; `nil` if the device has neither MAC address nor UUID.
  package var path: String? {
    switch self {
    case .artifact(let device, let release, let name):
      Self.token(device).map { "boot/\($0)/\(release.map { "\($0.hex)/" } ?? "")\(name)" }
    case .script(let device): Self.token(device).map { "boot/\($0)/\(Self.scriptName)" }
    case .program(let name): "ipxe/\(name)"
    case .content(let digest): "sha256/\(digest.hex)"
    }
  }

  private static func token(_ device: DeviceIdentity) -> String? {
    if let mac = device.mac { return mac.description.replacing(":", with: "-") }
    return device.uuid.map { "uuid-\($0)" }
  }

  private static func device(_ token: String) -> DeviceIdentity? {
    let identity: DeviceIdentity
    if token.hasPrefix("uuid-") {
      identity = DeviceIdentity(uuid: MachineUUID(String(token.dropFirst(5))))
    } else {
      identity = DeviceIdentity(mac: MACAddress(token))
    }
    return identity.isEmpty ? nil : identity
  }
}
