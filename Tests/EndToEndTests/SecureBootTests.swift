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
}

/// A machine that trusts one db key of ours and nothing else: keys, signature, enrolment by the firmware, boot.
@Suite(
  "Secure Boot in QEMU", .serialized, .enabled(if: Bench.isReady, Bench.whyNot),
  .enabled(if: SecureBootBench.missing.isEmpty, "missing: \(SecureBootBench.missing.joined(separator: ", "))")
)
struct SecureBootTests {
  private static let keys = "\(Bench.scratch)/secure-boot-keys"

  /// The enrolled variable store, and a copy of the release that the enrolled db key has signed.
  static let prepared = Task { () throws -> (variables: String, release: String) in
    let release = try await Bench.release()
    try succeed(["key", "new", "lab", "--secure-boot", "--no-passphrase", "--keys", keys])
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
