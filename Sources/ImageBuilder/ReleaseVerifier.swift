internal import Bytes
internal import FrameFormat
internal import ImageFormat
package import SecureBoot
package import Signing

/// Checks a release from its signature down to each frame, and lists everything that is wrong.
package struct ReleaseVerifier: Sendable {
  /// What was found.
  package struct Outcome: Sendable {
    package let release: Release
    package let digest: String
    /// The keys whose signature counts.
    package let signers: [PublicKey]
    /// Whose signatures for Secure Boot the UKI has; empty if none, or if they are not right.
    package let secureBoot: [X509Certificate]
    /// One sentence for each thing that is wrong; empty if all is well.
    package let findings: [String]
  }

  let reader: ReleaseReader

  package init(_ directory: String) throws {
    reader = try ReleaseReader(directory)
  }

  /// - Parameters:
  ///   - keys: the keys that are trusted. Without any, the signature is not looked at.
  ///   - threshold: how many of them must have signed.
  ///   - secureBoot: certificates that must each have signed the UKI for Secure Boot.
  package func verify(
    keys: [PublicKey], threshold: Int, secureBoot: [X509Certificate] = []
  ) async throws -> Outcome {
    var findings: [String] = []
    var signers: [PublicKey] = []
    if !keys.isEmpty {
      do { signers = try checkSignature(keys, threshold) } catch { findings.append("\(error)") }
    }
    var artifacts: [String: [UInt8]] = [:]
    for artifact in reader.release.artifacts {
      do { artifacts[artifact.name] = try check(artifact) } catch { findings.append("\(error)") }
    }
    let expected = [
      ReleaseFile.initrd, ReleaseFile.index, ReleaseFile.uki, ReleaseFile.kernel, ReleaseFile.lock,
      ReleaseFile.packs, ReleaseFile.sbom, ReleaseFile.provenance,
    ]
    for name in expected where !reader.release.artifacts.contains(where: { $0.name == name }) {
      findings.append("\(ReleaseFile.release) lists no \(name)")
    }
    let root = await checkRoot()
    findings += root.findings
    if !keys.isEmpty { findings += checkEnvelopes(keys, artifacts) }
    findings += await checkDocuments(artifacts, image: root.image)
    if let uki = artifacts[ReleaseFile.uki] { findings += checkUKI(uki, artifacts) }
    let programSigners = checkSecureBoot(secureBoot, &findings)
    return Outcome(
      release: reader.release, digest: SHA256.digest(of: reader.manifest).hex, signers: signers,
      secureBoot: programSigners, findings: findings)
  }

  /// The signed UKI, where there is one, must be the unsigned one and good signatures of it.
  private func checkSecureBoot(
    _ required: [X509Certificate], _ findings: inout [String]
  ) -> [X509Certificate] {
    do {
      let signers = try ReleaseSecureBoot.signers(of: reader)
      for certificate in required where !signers.contains(certificate) {
        findings.append(
          "the UKI is not signed for Secure Boot by \(certificate.name) (sha256:\(certificate.fingerprint.hex))"
        )
      }
      return signers
    } catch {
      findings.append("\(ReleaseFile.signedUKI): \(error)")
      return []
    }
  }

  private func checkSignature(_ keys: [PublicKey], _ threshold: Int) throws -> [PublicKey] {
    let source = "\(reader.directory)/\(ReleaseFile.signature)"
    guard let bytes = try reader.readIfPresent(ReleaseFile.signature) else {
      throw BuildError(.verification, "the release is not signed: \(source) is not there")
    }
    let envelope = try Envelope(json: bytes, source: source)
    let payload: [UInt8]
    do {
      payload = try envelope.verify(keys: keys, threshold: threshold, payloadType: BuiltRelease.payloadType)
    } catch {
      throw BuildError(.verification, "\(source): \(error)")
    }
    guard payload == reader.manifest else {
      throw BuildError(.verification, "\(source) signs another \(ReleaseFile.release) than the one beside it")
    }
    return envelope.acceptedKeys(keys)
  }

  private func check(_ artifact: Release.Artifact) throws(BuildError) -> [UInt8] {
    let bytes = try reader.read(artifact.name)
    guard UInt64(bytes.count) == artifact.size else {
      throw BuildError(
        .verification,
        "\(reader.directory)/\(artifact.name) has \(bytes.count) bytes, the release says \(artifact.size)")
    }
    let digest = SHA256.digest(of: bytes)
    guard digest.hex == artifact.sha256 else {
      throw BuildError(
        .verification,
        "\(reader.directory)/\(artifact.name) has SHA-256 \(digest.hex), the release says \(artifact.sha256)")
    }
    return bytes
  }

  /// Every frame, then the hash tree over what they hold; and the file system, if all of it is right.
  private func checkRoot() async -> (findings: [String], image: EROFSReader?) {
    let index: RootIndex
    do { index = try reader.index() } catch { return (["\(error)"], nil) }
    var findings: [String] = []
    let root = reader.release.root
    if index.rootHash.hex != root.hash || index.imageSize != root.size || index.dataSize != root.dataSize
      || index.frames.count != root.frames
      || UInt64(index.frames.reduce(0) { $0 + $1.storedSize }) != root.framesSize
    {
      findings.append("\(ReleaseFile.index) describes another root image than \(ReleaseFile.release)")
    }
    let dataBlocks = Int(index.dataSize) / RootIndex.blockSize
    let checked = await checkFrames(of: index, dataBlocks: dataBlocks)
    var leaves: [UInt8] = []
    var tail: [UInt8] = []
    var position = 0
    for (frame, result) in zip(index.frames, checked) {
      switch result {
      case .failure(let error): findings.append(error.message)
      case .success(let content):
        // The tree's frames follow the data's: the builder cuts between them.
        if position + frame.size / RootIndex.blockSize <= dataBlocks {
          leaves += content.leaves
        } else {
          tail += content.tail
        }
      }
      position += frame.size / RootIndex.blockSize
    }
    guard findings.isEmpty else { return (findings, nil) }
    guard leaves.count == dataBlocks * DmVerity.hashSize else {
      return (["\(ReleaseFile.index): a frame holds both file system and hash tree"], nil)
    }
    let uuid = tail.count >= 32 ? Array(tail[16..<32]) : []
    guard let tree = try? DmVerity.tree(leafHashes: leaves, uuid: uuid), tree.rootHash == index.rootHash
    else {
      return (["the root image does not have the root hash \(index.rootHash.hex)"], nil)
    }
    guard tree.bytes == tail else {
      return (["the hash tree in the frames is not that of the root image"], nil)
    }
    // Frames are small, and what they hold need not be: nothing of the file system is kept, what is looked at is read anew.
    let frames = FrameReader(reader, index)
    do {
      return ([], try EROFSReader(byteCount: index.dataSize) { try frames.read($0) })
    } catch {
      return (["the root image: \(error)"], nil)
    }
  }

  private func checkFrames(of index: RootIndex, dataBlocks: Int) async -> [Result<CheckedFrame, BuildError>] {
    let reader = reader
    var position = 0
    var frames: [(frame: RootIndex.Frame, isTail: Bool)] = []
    for frame in index.frames {
      position += frame.size / RootIndex.blockSize
      frames.append((frame, position > dataBlocks))
    }
    let results = try? await concurrentMap(frames) { item -> Result<CheckedFrame, BuildError> in
      do throws(BuildError) {
        return .success(CheckedFrame(try reader.content(of: item.frame), isTail: item.isTail))
      } catch {
        return .failure(error)
      }
    }
    return results ?? []
  }

  private struct CheckedFrame: Sendable {
    /// The content of a frame of the hash tree.
    let tail: [UInt8]
    /// The hashes of a frame of the file system.
    let leaves: [UInt8]

    init(_ bytes: [UInt8], isTail: Bool) {
      leaves = isTail ? [] : bytes.withUnsafeBytes { DmVerity.leafHashes(of: $0) }
      tail = isTail ? bytes : []
    }
  }

  /// The UKI must hold the very kernel, initrd and command line that the release names, and measure as it says.
  private func checkUKI(_ bytes: [UInt8], _ artifacts: [String: [UInt8]]) -> [String] {
    let name = ReleaseFile.uki
    let image: PEImage
    do { image = try PEImage(ByteRope(bytes)) } catch { return ["\(name): \(error)"] }
    var findings: [String] = []
    let release = reader.release
    let expected: [(section: String, content: [UInt8]?)] = [
      (".linux", artifacts[ReleaseFile.kernel]), (".initrd", artifacts[ReleaseFile.initrd]),
      (".cmdline", Array(release.kernel.commandLine.utf8)), (".uname", Array(release.kernel.release.utf8)),
    ]
    for (section, content) in expected {
      guard let content else { continue }
      guard let found = image.section(named: section),
        image.contents(of: found).digest == SHA256.digest(of: content)
      else {
        findings.append("\(name): its \(section) is not what the release says")
        continue
      }
    }
    // Without the pin, a split kernel would start whatever index its initrd brings.
    if let index = artifacts[ReleaseFile.index] {
      let pin = "netimg.index=\(SHA256.digest(of: index).hex)"
      if !release.kernel.commandLine.split(separator: " ").contains(pin[...]) {
        findings.append("the kernel command line does not pin \(ReleaseFile.index): \(pin) is missing")
      }
    }
    if PCR11.expected(of: image).hex != release.pcr11.boot {
      findings.append("\(name) measures into PCR 11 as something else than the release says")
    }
    return findings
  }
}
