internal import Bytes
internal import DebianPackage

/// What a suite's signed Release file says (the Debian wiki's "DebianRepository/Format").
struct ReleaseFile: Sendable {
  /// An index file that it vouches for.
  struct Entry: Sendable, Equatable {
    let size: Int
    let digest: SHA256Digest
  }

  /// The suite's role, such as `stable`, and its name, such as `trixie`; one of them may be missing.
  let suite: String?
  let codename: String?
  /// The point release, such as `13.8`.
  let version: String?
  /// When it was made.
  let date: ReleaseDate
  /// Until when it may be used.
  let validUntil: ReleaseDate?
  /// Whether indexes can be fetched under their digests.
  let hasByHash: Bool
  /// Whether packages for all architectures have an index of their own, not only a copy in each
  /// architecture's.
  let hasIndexForAll: Bool
  /// The indexes by path below the suite's directory.
  let entries: [String: Entry]

  /// Parses the signed text.
  /// - Parameter file: what messages call it.
  /// - Throws: `malformedIndex`.
  init(_ text: [UInt8], file: String) throws(ArchiveError) {
    func refuse(_ what: String) -> ArchiveError {
      ArchiveError(.malformedIndex, "\(file): \(what); use another mirror, or tell the archive's keepers")
    }
    let paragraph: ControlParagraph
    do {
      paragraph = try ControlParagraph.parseSingle(text, file: file)
    } catch {
      throw ArchiveError(.malformedIndex, error.description)
    }
    suite = paragraph["Suite"]
    codename = paragraph["Codename"]
    version = paragraph["Version"]
    guard let date = paragraph["Date"].flatMap({ ReleaseDate($0) }) else {
      throw refuse("it has no readable Date")
    }
    self.date = date
    if let text = paragraph["Valid-Until"] {
      guard let until = ReleaseDate(text) else { throw refuse("its Valid-Until cannot be read") }
      validUntil = until
    } else {
      validUntil = nil
    }
    hasByHash = paragraph["Acquire-By-Hash"] == "yes"
    let architectures = paragraph["Architectures"]?.split(separator: " ") ?? []
    hasIndexForAll =
      architectures.contains("all") && paragraph["No-Support-for-Architecture-all"] != "Packages"
    guard let section = paragraph["SHA256"] else { throw refuse("it has no SHA256 section") }
    var entries: [String: Entry] = [:]
    for line in section.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count == 3, let digest = SHA256Digest(hex: words[0]), let size = Int(words[1]), size >= 0
      else {
        throw refuse("a line of its SHA256 section is not \"digest size path\"")
      }
      // Paths are only looked up, never used unless we asked for them.
      entries[String(words[2])] = Entry(size: size, digest: digest)
    }
    self.entries = entries
  }
}

extension ReleaseFile {
  /// What of an archive's suite has been seen before.
  struct Seen {
    let date: ReleaseDate
    /// Where that is recorded, for messages.
    let origin: String
  }

  /// Metadata may be this much ahead of the local clock, in seconds.
  static let allowedClockSkew: Int64 = 86400

  /// Checks that this is the suite that was asked for, and current.
  /// - Throws: `wrongSuite`, `expired`, `fromTheFuture` or `replayed`.
  func check(asked: String, now: ReleaseDate, seen: [Seen], file: String) throws(ArchiveError) {
    guard asked == suite || asked == codename else {
      let found =
        [codename, suite].compactMap { $0 }.joined(separator: " (")
        + (codename != nil && suite != nil ? ")" : "")
      throw ArchiveError(
        .wrongSuite, "\(file) is of the suite \(found), not \(asked); correct suite.sources or the mirror")
    }
    if date.seconds > now.seconds + Self.allowedClockSkew {
      throw ArchiveError(
        .fromTheFuture, "\(file) was made at \(date), but it is \(now); set this machine's clock")
    }
    if let validUntil, validUntil < now {
      throw ArchiveError(
        .expired,
        "\(file) was valid until \(validUntil), and it is \(now); the mirror no longer follows the "
          + "archive, use another one")
    }
    for older in seen where date < older.date {
      throw ArchiveError(
        .replayed,
        "\(file) was made at \(date), but one of \(older.date) has already been seen "
          + "(\(older.origin)); the mirror is behind or replays old metadata, use another one")
    }
  }
}
