import BlobStore
import Bytes
import DebianArchive
import Foundation
import Manifest
import TestSupport

@testable import ImageBuilder

/// A whole image in miniature: kernel modules from the real assembler, packages from the real dpkg-deb, the EFI stub of
/// this host. It has every part of a release and builds in a blink; only it would never boot.
struct TinyImage {
  static let stubPath = "/usr/lib/systemd/boot/efi/linuxx64.efi.stub"
  /// What the fixture is made with, where it is missing.
  static let missingTools =
    ["dpkg-deb", "as", "ld"].filter { findTool($0) == nil }
    + (FileManager.default.isReadableFile(atPath: stubPath) ? [] : [stubPath])
  static var isPossible: Bool { missingTools.isEmpty }

  var declarations = Declarations()
  var limits = Limits()
  var architecture = Architecture.amd64
  var version = "1.2"
  var timestamp: UInt64 = 1_700_000_000
  /// What the packages' scripts are, by package and name, and whether the lock lists them.
  var lockedScripts: [String: [LockFile.Script]] = [:]
  var stage0: [UInt8]
  /// Packages by name.
  var packages: [String: [UInt8]]

  /// Made once a process: assembling and packing takes longer than building an image of it.
  private static let made = Task { try await make() }

  init() async throws { self = try await Self.made.value }

  private init(stage0: [UInt8], packages: [String: [UInt8]]) {
    self.stage0 = stage0
    self.packages = packages
    declarations.commandLine = [Declared.by("console=ttyS0"), Declared.by("quiet")]
  }

  private static func make() async throws -> TinyImage {
    let release = "6.12.0-tiny"
    let modules = "usr/lib/modules/\(release)"
    var kernel = FixturePackage(name: "linux-tiny")
    // Any PE program can stand for a kernel here: it has a size in memory, which is larger than the file.
    kernel.items = [
      ("boot/vmlinuz-\(release)", .file(try read(stubPath))),
      ("boot/config-\(release)", .text("CONFIG_EROFS_FS=m\n")),
      ("\(modules)/modules.builtin", .text("kernel/fs/ext4.ko\n")),
      ("\(modules)/modules.builtin.modinfo", .text("ext4.license=GPL\0")),
      ("\(modules)/modules.order", .text("kernel/loop.ko\nkernel/dm-mod.ko\nkernel/dm-verity.ko\n")),
    ]
    for (name, needs) in [
      ("loop", ""), ("dm-mod", ""), ("dm-bufio", "dm-mod"), ("dm-verity", "dm-bufio,dm-mod"), ("erofs", ""),
      ("virtio_net", "net_failover"), ("net_failover", ""), ("unwanted", ""),
    ] {
      kernel.items.append(("\(modules)/kernel/\(name).ko", .file(try module(depends: needs))))
    }
    var app = FixturePackage(name: "app")
    app.items = [
      ("usr/bin/app", .file([UInt8](repeating: 0x61, count: 9000), mode: 0o755)),
      ("usr/bin/app-too", .hardLink("usr/bin/app")),
      ("usr/lib/systemd/system/app.service", .text("[Install]\nWantedBy=multi-user.target\n")),
      ("usr/share/doc/app/README", .text("documentation")),
      ("etc/app.conf", .text("a = 1\n")),
      ("var/lib/app/state", .text("s")),
    ]
    app.control = ["conffiles": "/etc/app.conf\n"]
    var stub = FixturePackage(name: "stub")
    stub.items = [("usr/lib/systemd/boot/efi/linuxx64.efi.stub", .file(try read(stubPath)))]
    return TinyImage(
      stage0: try program(),
      packages: [
        "linux-tiny": try await kernel.build(), "app": try await app.build(), "stub": try await stub.build(),
      ])
  }

  /// A relocatable object with what `modinfo` reads, from the GNU assembler.
  static func module(depends: String) throws -> [UInt8] {
    try assemble(
      ".section .modinfo,\"a\"\n.asciz \"license=GPL\"\n.asciz \"depends=\(depends)\"\n.text\nnop\n",
      link: false)
  }

  /// A static program that ends at once.
  static func program() throws -> [UInt8] {
    try assemble(".globl _start\n_start: mov $60, %eax\nxor %edi, %edi\nsyscall\n", link: true)
  }

  private static func assemble(_ text: String, link: Bool) throws -> [UInt8] {
    let base = FileManager.default.temporaryDirectory.appendingPathComponent("netimg-test-\(UUID())").path
    let (object, program) = (base + ".o", base)
    defer { for path in [object, program] { unlink(path) } }
    var result = try run(["as", "--64", "-o", object, "-"], input: Array(text.utf8))
    if link { result = try run(["ld", "-static", "-o", program, object]) }
    guard result.status == 0 else { throw FixtureError(result.errorText) }
    return try read(link ? program : object)
  }

  private static func read(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  }
}

extension TinyImage {
  var image: ComposedImage {
    var declarations = declarations
    declarations.includedPackages = [Declared.by(PackageRequest(name: "app", version: nil))]
    declarations.modules = [Declared.by("virtio_net")]
    return ComposedImage(
      name: "tiny", architecture: Declared.by(architecture),
      suite: Declared.by(
        Suite(
          name: "trixie", keyring: .host(path: "/k.gpg"),
          sources: [SuiteSource(archive: "debian", suite: "trixie", sections: ["main"])])),
      kernelPackage: Declared.by("linux-tiny"), stubPackage: Declared.by("stub"), limits: limits,
      components: ["part"], declarations: declarations, manifestPath: "manifests/tiny.yaml",
      sources: ["manifests/tiny.yaml"], sourceDigest: SHA256.digest(of: [1]))
  }

  var lock: LockFile {
    LockFile(
      image: "tiny", architecture: "amd64", inputs: LockFile.inputs(of: image),
      archives: [
        LockFile.Archive(
          archive: "debian", suite: "trixie", codename: "trixie", version: "13.1",
          date: ReleaseDate(seconds: 1_700_000_001), digest: SHA256.digest(of: [2]))
      ],
      packages: packages.map { name, bytes in
        LockFile.Package(
          SolvedPackage(
            name: name, version: "1.0-1", architecture: "amd64", archive: "debian",
            path: "pool/main/\(name)_1.0-1_amd64.deb", size: bytes.count, digest: SHA256.digest(of: bytes),
            source: name, why: ["the test asks for it"]),
          role: name == "stub" ? .build : .image, scripts: lockedScripts[name] ?? [])
      })
  }

  func inputs(lock: LockFile? = nil) -> BuildInputs {
    let lock = lock ?? self.lock
    return BuildInputs(
      image: image, lock: lock, lockDigest: SHA256.digest(of: lock.encoded()), stage0: stage0,
      version: version, timestamp: timestamp, commit: nil, isDirty: false, compressionLevel: 3)
  }

  /// Builds with a store of its own that holds exactly the packages.
  func build(lock: LockFile? = nil, omitting omitted: String? = nil) async throws -> BuiltRelease {
    try await withScratchDirectory { scratch in
      let store = try BlobStore(root: scratch.appendingPathComponent("store").path)
      for (name, bytes) in packages where name != omitted { _ = try store.insert(bytes, durable: false) }
      return try await ImageBuild.run(inputs(lock: lock), store: store)
    }
  }
}
