package import Bytes

/// What the kernel command line asks of stage 0.
package struct BootOptions: Equatable, Sendable {
  /// What to do when the root image cannot be trusted or mounted (`netimg.onfailure=`).
  package enum FailureAction: Equatable, Sendable {
    /// Stay halted with the reason on the console; the default.
    case stop
    /// Reboot after ten seconds, so that the boot server is asked again.
    case reboot
    /// Switch the machine off.
    case powerOff
  }

  package var onFailure: FailureAction = .stop
  /// The SHA-256 that the root image index must have (`netimg.index=`): pins what a separately served initrd holds.
  package var index: SHA256Digest?

  package init() {}

  /// Reads `/proc/cmdline`. A `netimg.` word that is not understood is an error: silence could mean that
  /// a protection which somebody asked for is not there.
  package init(commandLine: [UInt8]) throws(Stage0Error) {
    // The failure action comes first, so that it already holds when another word is refused.
    let words = commandLine.split { $0 == 0x20 || $0 == 0x0a || $0 == 0x09 || $0 == 0 }
      .map { Word(String(decoding: $0, as: UTF8.self)) }
    for word in words where word.key == "netimg.onfailure" {
      switch word.value {
      case "stop": onFailure = .stop
      case "reboot": onFailure = .reboot
      case "poweroff": onFailure = .powerOff
      default:
        throw Stage0Error("netimg.onfailure=\(word.value) is not known: give stop, reboot or poweroff")
      }
    }
    for word in words where word.key.utf8.starts(with: "netimg.".utf8) && word.key != "netimg.onfailure" {
      guard word.key == "netimg.index" else {
        throw Stage0Error("\(word.key) is not known: netimg.index and netimg.onfailure are")
      }
      guard let digest = SHA256Digest(hex: word.value) else {
        throw Stage0Error("netimg.index=\(word.value) is no SHA-256: give 64 hexadecimal digits")
      }
      guard index == nil || index == digest else {
        throw Stage0Error("netimg.index is given twice, with two values")
      }
      index = digest
    }
  }

  /// The failure action alone, which must be known even when the rest of the line is refused.
  package static func failureAction(commandLine: [UInt8]) -> FailureAction {
    var action = FailureAction.stop
    for bytes in commandLine.split(whereSeparator: { $0 == 0x20 || $0 == 0x0a }) {
      let word = Word(String(decoding: bytes, as: UTF8.self))
      guard word.key == "netimg.onfailure" else { continue }
      action = word.value == "reboot" ? .reboot : word.value == "poweroff" ? .powerOff : .stop
    }
    return action
  }

  private struct Word {
    let key: String
    let value: String

    init(_ text: String) {
      let bytes = Array(text.utf8)
      let end = bytes.firstIndex(of: 0x3d) ?? bytes.count
      key = String(decoding: bytes[..<end], as: UTF8.self)
      value = String(decoding: bytes[min(end + 1, bytes.count)...], as: UTF8.self)
    }
  }
}
