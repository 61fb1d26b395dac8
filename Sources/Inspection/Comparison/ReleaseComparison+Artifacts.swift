internal import Bytes
internal import FrameFormat
internal import ImageBuilder
internal import ImageFormat

extension ReleaseComparison {
  /// Compares file by file. What is not even as the release says is damaged, which is another matter than a difference.
  static func artifacts(
    _ reader: ReleaseReader, _ built: BuiltRelease
  ) async throws -> (artifacts: [Artifact], damaged: [String]) {
    let recorded = Dictionary(reader.release.artifacts.map { ($0.name, $0) }) { first, _ in first }
    var contents = Dictionary(built.files.map { ($0.name, $0.content) }) { first, _ in first }
    let names = Set(recorded.keys).union(built.release.artifacts.map(\.name)).sorted()
    var artifacts: [Artifact] = []
    var damaged: [String] = []
    for name in names {
      let rebuilt = contents.removeValue(forKey: name)
      guard let artifact = recorded[name] else {
        artifacts.append(self.artifact(name, nil, rebuilt?.flattened(), place: nil))
        continue
      }
      let bytes: [UInt8]
      do { bytes = try reader.read(name) } catch {
        damaged.append(error.message)
        continue
      }
      guard SHA256.digest(of: bytes).hex == artifact.sha256 else {
        let place =
          rebuilt.flatMap { firstDifference(bytes, $0.flattened()) }
          .map { ", first at byte \($0) if the rebuild is right" } ?? ""
        damaged.append("\(name) does not have the SHA-256 that \(ReleaseFile.release) says\(place)")
        continue
      }
      guard rebuilt?.digest.hex != artifact.sha256 else { continue }
      let other = rebuilt?.flattened()
      let place = name == ReleaseFile.uki ? other.flatMap { section(bytes, $0) } : nil
      artifacts.append(self.artifact(name, bytes, other, place: place))
    }
    damaged += try await damagedFrames(reader)
    // A rebuild gives the unsigned program; the signed one must be that, and its signatures good.
    do { _ = try ReleaseSecureBoot.signers(of: reader) } catch { damaged.append("\(error)") }
    return (artifacts, damaged)
  }

  private static func damagedFrames(_ reader: ReleaseReader) async throws -> [String] {
    guard let index = try? reader.index() else { return [] }
    return try await concurrentMap(index.frames) { frame -> String? in
      do {
        _ = try reader.content(of: frame)
        return nil
      } catch {
        return (error as? BuildError)?.message ?? "\(error)"
      }
    }.compactMap(\.self)
  }

  static func artifact(_ name: String, _ one: [UInt8]?, _ other: [UInt8]?, place: String?) -> Artifact {
    var offset: Int?
    if let one, let other { offset = firstDifference(one, other) }
    return Artifact(name: name, size: one?.count, rebuiltSize: other?.count, offset: offset, place: place)
  }

  /// The first byte that differs; the shorter one's end if it is a beginning of the other; `nil` if they are equal.
  static func firstDifference(_ one: [UInt8], _ other: [UInt8]) -> Int? {
    if let index = zip(one.indices, zip(one, other)).first(where: { $0.1.0 != $0.1.1 })?.0 { return index }
    return one.count == other.count ? nil : min(one.count, other.count)
  }

  /// The first section of a UKI that differs, and where in it.
  private static func section(_ one: [UInt8], _ other: [UInt8]) -> String? {
    guard let old = try? PEImage(ByteRope(one)), let new = try? PEImage(ByteRope(other)) else { return nil }
    for section in old.sections {
      guard let match = new.section(named: section.name) else {
        return "section \(section.name) is not in the rebuild"
      }
      let (left, right) = (old.contents(of: section), new.contents(of: match))
      if left.digest != right.digest, let offset = firstDifference(left.flattened(), right.flattened()) {
        return "section \(section.name), byte \(offset) of it"
      }
    }
    if let added = new.sections.first(where: { old.section(named: $0.name) == nil }) {
      return "section \(added.name) is only in the rebuild"
    }
    return "outside of all sections"
  }
}
