package import Bytes
internal import FrameFormat
internal import Manifest

extension BuildInputs {
  /// A name for the release that these inputs and this program make: equal keys, equal bytes.
  ///
  /// - Parameter program: SHA-256 of the program itself. Versions of formats are raised by people, who forget; another
  ///   program is another key.
  package func key(program: SHA256Digest) -> SHA256Digest {
    var writer = ByteWriter()
    func add(_ text: String) {
      writer.littleEndian(UInt32(text.utf8.count))
      writer.append(text.utf8)
    }
    add("netimg release \(ReleaseCache.formatVersion)")
    add(program.hex)
    add(BuilderVersion.current)
    for format in BuilderVersion.formats.sorted(by: { $0.key < $1.key }) {
      add("\(format.key) \(format.value)")
    }
    add(FrameCodec.encoder)
    // Names, declarations and limits are all made of these sources.
    add(image.manifestPath)
    add(image.sourceDigest.hex)
    add(lockDigest.hex)
    add(SHA256.digest(of: stage0).hex)
    add(version)
    add("\(timestamp)")
    add(commit ?? "-")
    add("\(isDirty)")
    add("\(compressionLevel)")
    return SHA256.digest(of: writer.bytes)
  }
}
