package import Fleet

/// Turns a boot's record into a sentence: how far it came, why not further, what to do next.
package enum BootDiagnosis {
  /// How long a device may be silent and still be thought to go on, in milliseconds.
  static let patience: Int64 = 30_000

  /// - Parameter now: Milliseconds since 1970.
  package static func sentence(_ boot: BootRecord?, now: Int64) -> String {
    guard let boot else {
      return
        "It never asked this server to boot: is it on, does its firmware boot from the network, and does its broadcast reach this server?"
    }
    switch boot.state {
    case .refused: return refused(boot)
    case .offered: return offered(boot, now)
    case .loading: return loading(boot, now)
    case .handedOver:
      let image = boot.events.last { $0.kind == .fetched }
      return
        "It fetched its whole image\(image.map { " (\(transfer($0)))" } ?? "") \(ago(boot.updated, now)); what it did with it is on its console."
    case .failed:
      return
        "It fetched its whole image and then asked to boot again too soon: the image did not come up, or the firmware refused it (is Secure Boot on, with other keys?); its console says why."
    case .healthy: return "It booted, and said that it is well."
    }
  }

  private static func refused(_ boot: BootRecord) -> String {
    guard let refusal = boot.events.last(where: { $0.kind == .refused }) else {
      return "It asked as \(boot.firmware), and was not answered yet."
    }
    return
      "It asked \(times(count(boot, [.discover, .request, .binl]))) as \(boot.firmware), and was not booted: \(refusal.detail)."
  }

  private static func offered(_ boot: BootRecord, _ now: Int64) -> String {
    let binl = count(boot, [.binl])
    let missing = boot.events.last { $0.kind == .notFound }
    if let missing { return "It asked for what it cannot have: \(missing.detail)." }
    if now - boot.updated < 5000 { return "It was told what to load just now; it has fetched nothing yet." }
    let asked =
      binl > 0 ? "asked on 4011 \(times(binl))" : "asked \(times(count(boot, [.discover, .request])))"
    if let competitor = boot.events.last(where: { $0.kind == .competitor }) {
      return
        "It \(asked), never fetched: firmware ignores our offer because another server answered with a boot file (\(competitor.detail)); take the boot options away there."
    }
    let offer = boot.events.last { $0.kind == .offer }?.detail ?? ""
    if binl == 0, offer == "ask on port 4011" {
      return
        "It \(asked) and was told to ask on port 4011, and never did: it has no address from the site's DHCP server, or UDP port 4011 of this server does not reach it."
    }
    let addressed = count(boot, [.leased, .otherServer]) > 0 || binl > 0
    let address = addressed ? "" : " it may have no address, or"
    let way =
      offer.hasPrefix("http")
      ? "TCP to \(authority(offer)) is blocked" : "UDP port 69 of this server does not reach it"
    return "It \(asked), was told to load \(offer), never fetched:\(address) \(way)."
  }

  private static func loading(_ boot: BootRecord, _ now: Int64) -> String {
    if let missing = boot.events.last, missing.kind == .notFound {
      return "It asked for what it cannot have: \(missing.detail)."
    }
    guard let last = boot.events.last(where: { [.transfer, .fetched, .aborted, .script].contains($0.kind) })
    else {
      return "It began to load."
    }
    let isRecent = now - boot.updated < patience
    switch last.kind {
    case .aborted:
      return
        "Its last transfer broke off after \(size(last.bytes ?? 0)) (\(last.detail)): look for loss on the way, or for a device that was switched off."
    case .fetched where !isRecent:
      return
        "It fetched \(transfer(last)) \(ago(boot.updated, now)), and then nothing more: what it fetched did not run, or did not find its network card."
    case .script where !isRecent:
      return
        "It got its iPXE script \(ago(boot.updated, now)), and fetched nothing that the script names: is HTTP to this server blocked?"
    case .transfer where !isRecent:
      return "It began to fetch \(last.detail) \(ago(last.at, now)), and has not finished."
    default: return "It is loading: \(last.detail)."
    }
  }

  private static func count(_ boot: BootRecord, _ kinds: [BootEvent.Kind]) -> Int {
    boot.events.filter { kinds.contains($0.kind) }.reduce(0) { $0 + $1.count }
  }

  static func times(_ count: Int) -> String {
    switch count {
    case 1: "once"
    case 2: "twice"
    default: "\(count) times"
    }
  }

  private static func transfer(_ event: BootEvent) -> String {
    var text = "\(event.detail), \(size(event.bytes ?? 0))"
    if let milliseconds = event.milliseconds, milliseconds > 0 {
      text += " in \(seconds(milliseconds))"
    }
    return text
  }

  /// `3000 bytes`, `23.8 MiB`.
  package static func size(_ bytes: Int) -> String {
    guard bytes >= 1 << 20 else { return "\(bytes) bytes" }
    let tenths = (bytes * 10) >> 20
    return "\(tenths / 10).\(tenths % 10) MiB"
  }

  static func seconds(_ milliseconds: Int) -> String {
    milliseconds < 10_000 ? "\(milliseconds) ms" : "\(milliseconds / 1000) s"
  }

  private static func ago(_ then: Int64, _ now: Int64) -> String {
    let seconds = max(0, now - then) / 1000
    return seconds < 120
      ? "\(seconds) s ago" : seconds < 7200 ? "\(seconds / 60) min ago" : "\(seconds / 3600) h ago"
  }

  /// Host and port of a URL.
  private static func authority(_ url: String) -> String {
    url.split(separator: "/", omittingEmptySubsequences: true).dropFirst().first.map(String.init) ?? url
  }
}
