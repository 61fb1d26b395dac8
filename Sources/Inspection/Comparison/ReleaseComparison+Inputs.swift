internal import Bytes
internal import DebianArchive
internal import ImageBuilder

extension ReleaseComparison {
  /// The inputs that release.json records otherwise than the rebuild's, each with what to do about it.
  static func inputs(_ reader: ReleaseReader, _ built: BuiltRelease) throws -> [Input] {
    let (old, new) = (reader.release, built.release)
    var inputs: [Input] = []
    func compare(_ name: String, _ recorded: String?, _ here: String?, _ advice: String? = nil) {
      guard recorded != here else { return }
      inputs.append(Input(name: name, recorded: recorded, here: here, advice: advice))
    }
    let commit = old.source.commit
    compare(
      "commit", commit, new.source.commit,
      commit.map { "check it out: git checkout \($0), or build it with --git-ref \($0)" })
    compare(
      "uncommitted changes", old.source.dirty ? "yes" : "no", new.source.dirty ? "yes" : "no",
      old.source.dirty
        ? "no commit has the sources that it was built from"
        : "put them away: git stash, or build the commit with --git-ref")
    compare("manifest", old.source.manifest, new.source.manifest, "give that manifest")
    compare(
      "manifest and components", old.source.manifestDigest, new.source.manifestDigest,
      "the manifest, a component or a file of one differs")
    compare(
      "lock", old.source.lockDigest, new.source.lockDigest, "use the release's own: \(ReleaseFile.lock)")
    if old.source.lockDigest != new.source.lockDigest { inputs += try packages(reader, built) }
    compare(
      "stage 0", old.source.stage0Digest, new.source.stage0Digest,
      "give the netimg-init that it was built with: --stage0")
    compare("name", old.name, new.name)
    compare("version", old.version, new.version)
    compare("architecture", old.architecture, new.architecture)
    compare("kernel", old.kernel.release, new.kernel.release)
    compare(
      "kernel command line", old.kernel.commandLine, new.kernel.commandLine,
      "the manifest's or a component's kernel.commandLine differs")
    func text(_ exceptions: [Release.Exception]) -> String {
      exceptions.map { "\($0.rule) \($0.path)" }.joined(separator: ", ")
    }
    if old.exceptions != new.exceptions { compare("exceptions", text(old.exceptions), text(new.exceptions)) }
    compare("timestamp", "\(old.timestamp)", "\(new.timestamp)", "it is the commit's time")
    compare("netimg", old.builder.version, new.builder.version, "use the version that it was built with")
    compare(
      "compression level", "\(old.builder.compressionLevel)", "\(new.builder.compressionLevel)",
      "leave --compression out: the release says it")
    compare("zstd", old.builder.zstd, new.builder.zstd, "use a netimg that is linked with that zstd")
    for name in Set(old.builder.formats.keys).union(new.builder.formats.keys).sorted() {
      compare(
        "encoder \(name)", old.builder.formats[name].map { "\($0)" },
        new.builder.formats[name].map { "\($0)" },
        "use the netimg that it was built with")
    }
    return inputs
  }

  /// The packages that differ between the locks.
  private static func packages(_ reader: ReleaseReader, _ built: BuiltRelease) throws -> [Input] {
    func packages(_ bytes: [UInt8]?, _ file: String) throws -> [String: String] {
      guard let bytes else { return [:] }
      let lock = try LockFile(decoding: bytes, file: file)
      return Dictionary(lock.packages.map { ($0.name, "\($0.version) sha256:\($0.digest.hex)") }) {
        first, _ in first
      }
    }
    let old = try packages(reader.readIfPresent(ReleaseFile.lock), "\(reader.directory)/\(ReleaseFile.lock)")
    let new = try packages(
      built.files.first { $0.name == ReleaseFile.lock }?.content.flattened(), ReleaseFile.lock)
    return Set(old.keys).union(new.keys).sorted().filter { old[$0] != new[$0] }.map {
      Input(name: "package \($0)", recorded: old[$0], here: new[$0], advice: nil)
    }
  }
}
