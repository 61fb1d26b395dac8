internal import Bytes
internal import DebianArchive
internal import FoundationEssentials
internal import ImageFormat
internal import Signing

/// What the release says of itself must be what it is: lock, packs, SBOM and provenance are compared with the image.
extension ReleaseVerifier {
  /// - Parameters:
  ///   - artifacts: the files whose digests are right, by name.
  ///   - image: the file system, if all of its frames are right.
  func checkDocuments(_ artifacts: [String: [UInt8]], image: EROFSReader?) async -> [String] {
    var findings: [String] = []
    if let bytes = artifacts[ReleaseFile.lock] { findings += checkLock(bytes) }
    if let bytes = artifacts[ReleaseFile.provenance] { findings += checkProvenance(bytes) }
    guard let image else { return findings }
    let nodes: [EROFSReader.Node]
    do { nodes = try image.tree() } catch { return findings + ["the root image: \(error)"] }
    if let bytes = artifacts[ReleaseFile.packs] { findings += checkPacks(bytes, nodes) }
    if let bytes = artifacts[ReleaseFile.sbom] { findings += await checkSBOM(bytes, image, nodes) }
    return findings
  }

  /// The envelopes beside SBOM and provenance: one of the keys must have signed exactly the file.
  func checkEnvelopes(_ keys: [PublicKey], _ artifacts: [String: [UInt8]]) -> [String] {
    SignedDocument.all.compactMap { document in
      guard let content = artifacts[document.file] else { return nil }
      let source = "\(reader.directory)/\(document.envelope)"
      do {
        guard let bytes = try reader.readIfPresent(document.envelope) else {
          return "\(document.file) is not signed: \(source) is not there"
        }
        let payload = try Envelope(json: bytes, source: source)
          .verify(keys: keys, threshold: 1, payloadType: document.payloadType)
        return payload == content
          ? nil : "\(source) signs another \(document.file) than the one beside it"
      } catch {
        return "\(source): \(error)"
      }
    }
  }

  private func checkLock(_ bytes: [UInt8]) -> [String] {
    let name = "\(reader.directory)/\(ReleaseFile.lock)"
    guard SHA256.digest(of: bytes).hex == reader.release.source.lockDigest else {
      return ["\(name) is not the lock file that the release was built from"]
    }
    do {
      _ = try LockFile(decoding: bytes, file: name)
      return []
    } catch {
      return ["\(error)"]
    }
  }

  private struct Statement: Decodable {
    struct Subject: Decodable {
      let name: String
      let digest: [String: String]
    }

    let subject: [Subject]
  }

  private func checkProvenance(_ bytes: [UInt8]) -> [String] {
    let name = ReleaseFile.provenance
    let statement: Statement
    do {
      statement = try JSONDecoder().decode(Statement.self, from: Data(bytes))
    } catch {
      return ["\(name) is no in-toto statement: \(JSONProblem.describe(error))"]
    }
    let stated = statement.subject.map { "\($0.name) \($0.digest["sha256"] ?? "")" }.sorted()
    let real = reader.release.artifacts.filter { $0.name != name }.map { "\($0.name) \($0.sha256)" }.sorted()
    return stated == real ? [] : ["\(name) is about other artifacts than \(ReleaseFile.release)"]
  }

  private func checkPacks(_ bytes: [UInt8], _ nodes: [EROFSReader.Node]) -> [String] {
    let list: PackList
    do { list = try PackList.decode(bytes, file: ReleaseFile.packs) } catch { return [error.message] }
    let listed = list.packs.flatMap(\.paths).map { ExactString($0) }.sorted()
    let real = nodes.map(\.path).filter { !$0.isEmpty }.map { ExactString($0) }.sorted()
    return listed == real ? [] : ["\(ReleaseFile.packs) lists other paths than the root image has"]
  }

  private struct SBOM: Decodable {
    struct File: Decodable {
      struct Checksum: Decodable {
        let algorithm: String
        let checksumValue: String
      }

      let fileName: String
      let checksums: [Checksum]
    }

    let files: [File]
  }

  private func checkSBOM(
    _ bytes: [UInt8], _ image: EROFSReader, _ nodes: [EROFSReader.Node]
  ) async -> [String] {
    let name = ReleaseFile.sbom
    let sbom: SBOM
    do {
      sbom = try JSONDecoder().decode(SBOM.self, from: Data(bytes))
    } catch {
      return ["\(name) is no SPDX document: \(JSONProblem.describe(error))"]
    }
    var stated: [ExactString: String] = [:]
    for file in sbom.files {
      stated[ExactString(file.fileName)] = file.checksums.first { $0.algorithm == "SHA256" }?.checksumValue
    }
    // In the order in which they lie in the image, so that each frame is read about once.
    let files = nodes.filter { $0.kind == .file }
      .sorted { ($0.blocks?.lowerBound ?? 0, $0.inode) < ($1.blocks?.lowerBound ?? 0, $1.inode) }
    let digests: [String]
    do {
      digests = try await concurrentMap(files) { try image.contents(of: $0).digest.hex }
    } catch {
      return ["the root image: \(error)"]
    }
    var findings: [String] = []
    for (file, digest) in zip(files, digests).sorted(by: {
      $0.0.pathBytes.lexicographicallyPrecedes($1.0.pathBytes)
    })
    where stated[ExactString("./\(file.path)")] != digest {
      findings.append("\(name) says something else of /\(file.path) than the root image holds")
    }
    if findings.isEmpty, stated.count != files.count {
      findings.append("\(name) lists files that the root image does not have")
    }
    return findings
  }
}
