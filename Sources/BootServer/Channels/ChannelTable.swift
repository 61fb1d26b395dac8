package import Bytes

/// What the channels of the repository say, as far as it was verified: what a boot decision goes by.
package struct ChannelTable: Sendable {
  /// A release that a channel names, which is in the library.
  package struct Entry: Sendable, Hashable {
    package let image: String
    package let version: String
    package let release: SHA256Digest
    package let reason: String
    /// When it was promoted, as metadata write it.
    package let time: String
    package let rollbackFrom: String?
    /// The version of the channel's metadata.
    package let channelVersion: Int
    /// Until when the metadata that say so are good, in seconds since 1970, and the role that ends first.
    package let validUntil: Int64
    package let firstToExpire: String

    package init(
      image: String, version: String, release: SHA256Digest, reason: String, time: String,
      rollbackFrom: String? = nil, channelVersion: Int, validUntil: Int64, firstToExpire: String
    ) {
      self.image = image
      self.version = version
      self.release = release
      self.reason = reason
      self.time = time
      self.rollbackFrom = rollbackFrom
      self.channelVersion = channelVersion
      self.validUntil = validUntil
      self.firstToExpire = firstToExpire
    }
  }

  package struct Channel: Sendable, Hashable {
    /// By image, sorted.
    package var entries: [Entry]
    /// Why what its metadata say by now is not served: they cannot be trusted, or a release cannot be had.
    package var problem: String?
    /// A release that it names and that is on its way here.
    package var coming: String?

    package init(entries: [Entry], problem: String? = nil, coming: String? = nil) {
      self.entries = entries
      self.problem = problem
      self.coming = coming
    }

    /// Why an image is not served.
    fileprivate var obstacle: String? { problem ?? coming.map { "\($0) is on its way from the repository" } }
  }

  /// The repository's directory or address.
  package let source: String
  /// By name.
  package var channels: [String: Channel]
  /// Why the last look at the repository came to nothing; what was valid before is kept.
  package var problem: String?

  package init(source: String, channels: [String: Channel] = [:], problem: String? = nil) {
    self.source = source
    self.channels = channels
    self.problem = problem
  }

  /// What becomes of a device that follows a channel.
  package enum Answer: Sendable, Hashable {
    case release(Entry)
    /// Nothing is served; a sentence with what to do next.
    case refused(String)
  }

  /// - Parameters:
  ///   - image: One of the channel's images; `nil` for its only one.
  ///   - now: Seconds since 1970.
  package func current(_ channel: String, image: String?, now: Int64) -> Answer {
    guard let found = channels[channel] else {
      if let problem {
        return .refused(
          "the repository \(source) cannot be trusted, and nothing was trusted before: \(problem)")
      }
      let names = channels.keys.sorted()
      return .refused(
        "the repository \(source) has no channel \(channel)"
          + (names.isEmpty ? ", nor any other" : "; it has \(names.joined(separator: ", "))"))
    }
    let entry: Entry
    if let image {
      guard let named = found.entries.first(where: { $0.image == image }) else {
        return .refused(
          found.obstacle.map { "the channel \(channel) cannot be served: \($0)" }
            ?? "the channel \(channel) names no release of \(image): netimg promote \(image) VERSION --to \(channel)"
        )
      }
      entry = named
    } else {
      guard let first = found.entries.first else {
        return .refused(
          found.obstacle.map { "the channel \(channel) cannot be served: \($0)" }
            ?? "the channel \(channel) names no release yet: netimg promote IMAGE VERSION --to \(channel)")
      }
      guard found.entries.count == 1 else {
        let images = found.entries.map(\.image).joined(separator: ", ")
        return .refused("the channel \(channel) has the images \(images): write image: NAME beside it")
      }
      entry = first
    }
    guard now < entry.validUntil else {
      return .refused(
        "the \(entry.firstToExpire) metadata of the repository \(source) expired on \(Self.text(entry.validUntil)), so nothing is served from the channel \(channel): "
          + (problem ?? "have it signed anew (netimg repo status says by whom)"))
    }
    return .release(entry)
  }

  /// A time as metadata write it.
  static func text(_ seconds: Int64) -> String { MetadataTime.text(seconds) }
}
