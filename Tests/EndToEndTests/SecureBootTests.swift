import Foundation
import TestSupport
import Testing

/// What these tests need.
private enum SecureBootBench {
  static let missing: [String] = {
    let files = [
      "/usr/share/OVMF/OVMF_CODE_4M.secboot.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd",
      "/usr/lib/systemd/boot/efi/systemd-bootx64.efi",
    ]
    return files.filter { !FileManager.default.fileExists(atPath: $0) }
      + ["qemu-system-x86_64", "sbverify"].filter { findTool($0) == nil }
  }()

  static let missingForGuest = ["gcc", "cpio", "xz", "dpkg-deb", "sbsign"].filter { findTool($0) == nil }
}

/// A machine that trusts one db key of ours and nothing else: keys, signature, enrolment by the firmware, boot.
@Suite(
  "Secure Boot in QEMU", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: SecureBootBench.missing.isEmpty, "missing: \(SecureBootBench.missing.joined(separator: ", "))")
)
struct SecureBootTests {
  private static let keys = "\(Bench.scratch)/secure-boot-keys"

  /// The enrolled variable store, and a copy of the release that the enrolled db key has signed.
  private static let prepared = Task { () throws -> (variables: String, release: String) in
    let release = try await Bench.release()
    try succeed(["key", "new", "lab", "--secure-boot", "--no-passphrase", "--keys", keys])
    // Authenticated writes are dated in seconds, and each must be newer.
    try await Task.sleep(for: .milliseconds(1100))
    try succeed(["key", "new", "next", "--secure-boot", "--no-passphrase", "--keys", keys, "--under", "lab"])
    try succeed(["key", "new", "stranger", "--secure-boot", "--no-passphrase", "--keys", keys])
    let variables = "\(Bench.scratch)/lab.fd"
    let enrolled = try run(["bash", "\(Bench.repository)/tools/enroll", "\(keys)/lab.secure-boot", variables])
    guard enrolled.status == 0 else { throw BenchError("enrolling failed: \(enrolled.errorText)") }
    let copy = try release.linked(at: "\(Bench.scratch)/secure-boot")
    try succeed(["sign", copy, "--secure-boot", "lab", "--keys", keys])
    return (variables, copy)
  }

  @discardableResult
  private static func succeed(_ arguments: [String]) throws -> SubprocessResult {
    let result = try Bench.netimg(arguments)
    guard result.status == 0 else { throw BenchError("\(arguments): \(result.errorText)") }
    return result
  }

  /// The line that `tools/boot` waited for.
  private func boot(_ release: String, _ arguments: [String], name: String) async throws -> String {
    let log = "\(Bench.scratch)/console-secure-boot-\(name).log"
    let result = try run(
      [
        "bash", "\(Bench.repository)/tools/boot", release, "--secure-boot",
        try await Self.prepared.value.variables,
        "--log", log, "--seconds", "180",
      ] + arguments)
    #expect(result.status == 0, "\(result.errorText)")
    return String(result.text.prefix { $0 != "\n" })
  }

  /// How a boot over the network ends: the firmware's refusal, or a boot report.
  private func bootOverNetwork(_ release: String, _ arguments: [String] = [], name: String) async throws
    -> String
  {
    try await boot(
      release, ["--path", "pxe", "--until", "BdsDxe: failed to .*PXEv4.*|netimg-report: .*"] + arguments,
      name: name)
  }

  private func expectRefusal(_ line: String) {
    #expect(line.hasPrefix("BdsDxe: failed to "), "\(line)")
    #expect(line.hasSuffix(": Access Denied") || line.hasSuffix(": Security Violation"), "\(line)")
  }

  @Test(
    "sbverify accepts the signed UKI; verify and inspect say who signed it, and that the release is what it was"
  )
  func tools() async throws {
    let prepared = try await Self.prepared.value
    let certificate = "\(Self.keys)/lab.secure-boot/db.crt"
    let signed = "\(prepared.release)/uki.signed.efi"
    let verified = try run(["sbverify", "--cert", certificate, signed])
    #expect(verified.status == 0, "\(verified.errorText)")
    for key in ["lab", certificate] {
      let ours = try Self.succeed(
        ["verify", prepared.release, "--unsigned", "--secure-boot", key, "--keys", Self.keys])
      #expect(ours.text.contains("Secure Boot: signed by lab db, sha256:"))
    }
    let other = try Bench.netimg(
      ["verify", prepared.release, "--unsigned", "--secure-boot", "stranger", "--keys", Self.keys])
    #expect(other.status == 77 && other.errorText.contains("not signed for Secure Boot by stranger db"))
    #expect(try Self.succeed(["inspect", prepared.release]).text.contains("Secure Boot: signed by lab db"))
    let release = try await Bench.release()
    #expect(!FileManager.default.fileExists(atPath: "\(release.path)/uki.signed.efi"))
  }

  @Test(
    "the signed UKI boots, the kernel is locked down, all is well, and PCR 11 is the one that the release promises",
    .enabled(if: findTool("swtpm") != nil, "swtpm is missing"))
  func boots() async throws {
    let line = try await boot(
      try await Self.prepared.value.release, ["--path", "uefi", "--tpm"], name: "boots")
    let words = line.split(separator: " ").map(String.init)
    let release = try await Bench.release()
    for word in [
      "state=running", "failed-units=0", "verity=verified", "read-only=yes", "root-hash=\(release.rootHash)",
      "lockdown=integrity",
    ] {
      #expect(words.contains(word), "\(word): \(line)")
    }
    #expect(words.contains { $0.lowercased() == "pcr11=\(release.pcr11)" }, "\(line)")
  }

  @Test("unsigned, or signed by a stranger, the firmware refuses it")
  func refused() async throws {
    let prepared = try await Self.prepared.value
    expectRefusal(try await bootOverNetwork(prepared.release, ["--uki", "uki.efi"], name: "unsigned"))
    let copy = try (try await Bench.release()).linked(at: "\(Bench.scratch)/secure-boot-stranger")
    try Self.succeed(["sign", copy, "--secure-boot", "stranger", "--keys", Self.keys])
    expectRefusal(try await bootOverNetwork(copy, name: "stranger"))
  }

  @Test(
    "one bit changed in the command line or in the kernel, the firmware refuses it",
    arguments: [".cmdline", ".linux"])
  func changed(section: String) async throws {
    let prepared = try await Self.prepared.value
    var bytes = Data(try Release(prepared.release).bytes("uki.signed.efi"))
    let kernel = Data(try Release(prepared.release).bytes("vmlinuz"))
    let content = section == ".linux" ? kernel : Data(try Release(prepared.release).commandLine.utf8)
    let place = try #require(bytes.range(of: content))
    bytes[place.lowerBound + content.count / 2] ^= 1
    try bytes.write(to: URL(fileURLWithPath: "\(prepared.release)/changed\(section).efi"))
    let line = try await bootOverNetwork(prepared.release, ["--uki", "changed\(section).efi"], name: section)
    expectRefusal(line)
  }

  @Test(
    "a machine in use takes a second db key from its KEK, then that key alone, nothing forged or old; and is given up",
    .enabled(if: SecureBootBench.missingForGuest.isEmpty, "missing: \(SecureBootBench.missingForGuest)"))
  func variables() async throws {
    _ = try await Self.prepared.value
    let release = try await Bench.release()
    let root = "\(Bench.scratch)/variables"
    try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
    func write(_ bytes: some Sequence<UInt8>, _ name: String) throws {
      try Data(bytes).write(to: URL(fileURLWithPath: "\(root)/\(name)"))
    }
    func key(_ path: String) throws -> Data {
      try Data(contentsOf: URL(fileURLWithPath: "\(Self.keys)/\(path)"))
    }
    let addition = try key("next.secure-boot/db.add.auth")
    var forged = addition
    forged[forged.count - 5] ^= 1
    let database = "db-d719b2cb-3d3a-4596-a3bc-dad00e67656f"
    let platform = "PK-8be4df61-93ca-11d2-aa0d-00e098032b8c"
    // In this order, with the attributes of UEFI 2.10, section 8.2: 0x40 appends.
    let writes: [(variable: String, name: String, content: Data, attributes: String)] = [
      (database, "forged", forged, "67"),
      (database, "stranger", try key("stranger.secure-boot/db.add.auth"), "67"),
      (database, "unlike", addition, "27"), (database, "added", addition, "67"),
      (database, "replaced", try key("next.secure-boot/db.auth"), "27"),
      (database, "old", try key("lab.secure-boot/db.auth"), "27"),
      (platform, "released", try key("lab.secure-boot/noPK.auth"), "27"),
    ]
    for entry in writes { try write(entry.content, entry.name) }
    try write(writes.map { "\($0.variable) \($0.name) \($0.attributes)\n" }.joined().utf8, "parameters")
    // The kernel must be one that the firmware starts, and sbsign wants the key as PEM.
    struct File: Decodable { let rsa: Data }
    let secret = try JSONDecoder().decode(File.self, from: key("lab.secure-boot/db.key")).rsa
    let base64 = secret.base64EncodedString(options: [.lineLength64Characters, .endLineWithLineFeed])
    try write("-----BEGIN RSA PRIVATE KEY-----\n\(base64)\n-----END RSA PRIVATE KEY-----\n".utf8, "db.pem")
    let shim = "\(Bench.repository)/Sources/CPosixShim"
    let commands = """
      set -e
      dpkg-deb --fsys-tarfile '\(try kernelPackage())' | tar -xO --wildcards '*/efivarfs.ko.xz' | xz -dc > efivarfs.ko
      gcc -static -O1 -o init -I'\(shim)/include' '\(Bench.repository)/Tests/EndToEndTests/Guest/variables.c' \
        '\(shim)/posix.c' '\(shim)/block.c'
      sbsign --key db.pem --cert '\(Self.keys)/lab.secure-boot/db.crt' --output vmlinuz '\(release.path)/vmlinuz'
      ls | grep -vx -e vmlinuz -e db.pem | cpio -o -H newc --quiet > ../variables-initrd
      """
    let made = try run(["sh", "-c", commands], directory: root)
    try #require(made.status == 0, "\(made.errorText)")
    let line = try await boot(
      root,
      ["--uki", "vmlinuz", "--initrd", "\(Bench.scratch)/variables-initrd", "--off", "--until", "guest:.*"],
      name: "variables")
    let lab = try key("lab.secure-boot/db.esl").count
    let next = try key("next.secure-boot/db.esl").count
    #expect(
      line == "guest: forged=errno-13 stranger=errno-13 unlike=errno-13 added=\(lab + next) replaced=\(next) "
        + "old=errno-13 released=0")
  }

  /// The .deb of the release's kernel, in the store.
  private func kernelPackage() throws -> String {
    struct Lock: Decodable {
      struct Package: Decodable {
        let name: String
        let sha256: String
      }
      let packages: [Package]
    }
    let path = "\(Bench.scratch)/checkout-shared/manifests/minimal.lock.json"
    let lock = try JSONDecoder().decode(Lock.self, from: Data(contentsOf: URL(fileURLWithPath: path)))
    let package = try #require(lock.packages.first { $0.name.hasPrefix("linux-image-6") })
    return "\(Bench.store)/blobs/sha256/\(package.sha256.prefix(2))/\(package.sha256.dropFirst(2))"
  }

  @Test(
    "over the network, with a signature that the firmware does not know in front of the one that it knows")
  func rotation() async throws {
    _ = try await Self.prepared.value
    let copy = try (try await Bench.release()).linked(at: "\(Bench.scratch)/secure-boot-rotation")
    try Self.succeed(["sign", copy, "--secure-boot", "next", "--keys", Self.keys])
    try Self.succeed(["sign", copy, "--secure-boot", "lab", "--keys", Self.keys])
    let line = try await bootOverNetwork(copy, name: "rotation")
    #expect(line.contains("state=running") && line.contains("lockdown=integrity"), "\(line)")
  }
}
