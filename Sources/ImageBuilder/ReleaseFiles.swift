package import Bytes
internal import CPosixShim
internal import FoundationEssentials
internal import Glibc

/// The names of a release's files.
package enum ReleaseFile {
  package static let release = "release.json"
  /// The DSSE envelope whose payload is release.json.
  package static let signature = "release.dsse.json"
  package static let uki = "uki.efi"
  /// The UKI with signatures for Secure Boot; only if signed. release.json does not name it: ``ReleaseSecureBoot``.
  package static let signedUKI = "uki.signed.efi"
  package static let kernel = "vmlinuz"
  package static let initrd = "initrd"
  package static let index = "root.index"
  package static let frames = "frames"
  /// The lock file, as `netimg lock` writes it.
  package static let lock = "lock.json"
  /// Which path of the root comes from which input: ``PackList``.
  package static let packs = "packs.json"
  /// The SBOM: SPDX 2.3.
  package static let sbom = "sbom.spdx.json"
  package static let sbomSignature = "sbom.dsse.json"
  /// How it was built: an in-toto statement with SLSA provenance.
  package static let provenance = "provenance.json"
  package static let provenanceSignature = "provenance.dsse.json"
}

/// Writes a directory so that it is either there in full or not at all, whenever the process dies: everything goes into
/// a neighbour with another name, which takes its place with one rename. After a power failure `netimg verify` tells.
package struct ReleaseDirectory: ~Copyable {
  /// Where the files go until `commit`.
  package let temporary: String
  private let final: String
  private var isCommitted = false

  /// - Parameter path: the directory to be; nothing may be there unless `commit` is told to replace it.
  package init(_ path: String) throws {
    final = path
    temporary = Self.neighbour(of: path, "partial")
    try FileManager.default.createDirectory(
      atPath: RootTree.parent(of: path).isEmpty ? "." : RootTree.parent(of: path),
      withIntermediateDirectories: true)
    guard mkdir(temporary, 0o755) == 0 else { throw Self.failure("cannot create \(temporary)") }
  }

  deinit {
    if !isCommitted { try? FileManager.default.removeItem(atPath: temporary) }
  }

  package func makeDirectory(_ name: String) throws {
    guard mkdir("\(temporary)/\(name)", 0o755) == 0 else {
      throw Self.failure("cannot create \(temporary)/\(name)")
    }
  }

  /// Writes one file, mode 0644 whatever the umask.
  package func write(_ content: ByteRope, to name: String) throws {
    try Self.write(content, to: "\(temporary)/\(name)")
  }

  /// The same for a path inside the temporary directory, from any task.
  static func write(_ content: ByteRope, to path: String) throws {
    let file = netimg_open(path, O_WRONLY | O_CREAT | O_EXCL, 0o644)
    guard file >= 0 else { throw failure("cannot create \(path)") }
    defer { close(file) }
    for chunk in content.chunks {
      try chunk.withUnsafeBytes { bytes in
        var rest = bytes[...]
        while !rest.isEmpty {
          let count = Glibc.write(file, UnsafeRawBufferPointer(rebasing: rest).baseAddress, rest.count)
          if count < 0 && errno == EINTR { continue }
          guard count > 0 else { throw failure("cannot write \(path)") }
          rest = rest.dropFirst(count)
        }
      }
    }
    guard fchmod(file, 0o644) == 0 else { throw failure("cannot write \(path)") }
  }

  /// Puts the directory in its place. With `replacing`, what was there goes away, in the same instant.
  package consuming func commit(replacing: Bool) throws {
    if netimg_rename_new(temporary, final) == 0 {
      isCommitted = true
      return
    }
    guard errno == EEXIST || errno == ENOTEMPTY, replacing else {
      throw Self.failure("cannot put the release at \(final)")
    }
    guard netimg_rename_exchange(temporary, final) == 0 else {
      throw Self.failure("cannot replace the release at \(final)")
    }
    // What was there before is now under the temporary name, and goes with it in deinit.
  }

  /// A hidden name beside `path` that no other process uses.
  private static func neighbour(of path: String, _ suffix: String) -> String {
    let parent = RootTree.parent(of: path)
    let prefix = parent.isEmpty ? (path.hasPrefix("/") ? "/" : "") : parent + "/"
    return "\(prefix).\(RootTree.name(of: path)).\(suffix)-\(getpid())"
  }

  private static func failure(_ action: String) -> BuildError {
    BuildError(.inputOutput, "\(action): \(String(cString: strerror(errno)))")
  }
}
