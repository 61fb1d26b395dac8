internal import Bytes
internal import Channels
internal import FoundationEssentials
internal import Synchronization

/// Which promotions were looked at and found good: the release is what it is called, and has what the channel demanded of it.
/// What was good once stays so, over restarts too; whatever is not known to be good is not served.
///
/// Where the roles run apart, the one of `control` looks and notes, and the one of `boot` reads what it noted.
final class GateVerdicts: Sendable {
  /// A promotion, as the channel's metadata have it.
  private struct Promotion: Codable, Hashable, Comparable {
    let channel: String
    let image: String
    let version: String
    let release: String
    let time: String

    init(_ entry: ChannelTable.Entry, in channel: String) {
      self.channel = channel
      (image, version, release, time) = (entry.image, entry.version, entry.release.hex, entry.time)
    }

    static func < (left: Self, right: Self) -> Bool {
      (left.channel, left.image, left.time, left.release) < (
        right.channel, right.image, right.time, right.release
      )
    }
  }

  /// The file, beside what the role `control` hands over: it alone writes there.
  let path: String
  private let good: Mutex<Set<Promotion>>

  /// - Parameter state: The server's state directory. What cannot be read there is looked at anew.
  init(state: String) {
    path = "\(StateDirectory.verified(state))/gates.json"
    good = Mutex(Self.read(path) ?? [])
  }

  /// What another process has noted by now; as before if that cannot be read.
  func reload() {
    guard let known = Self.read(path) else { return }
    good.withLock { $0 = known }
  }

  private static func read(_ path: String) -> Set<Promotion>? {
    FileManager.default.contents(atPath: path)
      .flatMap { try? JSONDecoder().decode(Set<Promotion>.self, from: $0) }
  }

  func isGood(_ entry: ChannelTable.Entry, in channel: String) -> Bool {
    good.withLock { $0.contains(Promotion(entry, in: channel)) }
  }

  func note(_ entry: ChannelTable.Entry, in channel: String) {
    good.withLock { good in
      if good.insert(Promotion(entry, in: channel)).inserted { write(good) }
    }
  }

  /// Forgets all promotions but these.
  func keep(_ table: ChannelTable) {
    let served = table.channels.flatMap { name, channel in
      channel.entries.map { Promotion($0, in: name) }
    }
    good.withLock { good in
      let left = good.intersection(served)
      guard left != good else { return }
      good = left
      write(good)
    }
  }

  /// On a full disk they are looked at anew after a restart, and nothing else is lost.
  private func write(_ good: Set<Promotion>) {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    let folder = URL(fileURLWithPath: path).deletingLastPathComponent()
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    try? encoder.encode(good.sorted()).write(to: URL(fileURLWithPath: path), options: .atomic)
  }
}
