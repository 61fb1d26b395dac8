import Foundation
import Glibc
import Signing
import TestSupport
import Testing

@Suite struct ExecSignerTests {
  let vector = Vector.all[0]

  /// A signer made of a shell script, whose `sign` branch is given.
  func withProgram(sign: String, publicKey: String? = nil, _ body: (String) async throws -> Void) async throws
  {
    try await withScratchDirectory { directory in
      let line = try publicKey ?? "echo '\(vector.pair("token").publicKey.line)'"
      let path = directory.appending(path: "signer").path
      let script = """
        #!/bin/sh
        cd '\(directory.path)'
        case "$1" in
        public-key) \(line) ;;
        sign) \(sign) ;;
        *) exit 64 ;;
        esac
        """
      // A child writes it: what this process has open for writing, children of other tests may hold open, and then it
      // cannot be run (ETXTBSY).
      let written = try run(["install", "-m", "755", "/dev/stdin", path], input: Array(script.utf8))
      try #require(written.status == 0, "\(written.errorText)")
      try writePKCS8(vector.seed, directory.appending(path: "good.pem").path)
      try writePKCS8(Vector.all[1].seed, directory.appending(path: "other.pem").path)
      try await body(path)
    }
  }

  func openssl(_ key: String) -> String {
    "openssl pkeyutl -sign -inkey \(key) -rawin -in /dev/stdin | base64 -w0"
  }

  /// What signing with that script ends in.
  func failure(sign: String, message: [UInt8] = [1, 2, 3], timeout: Int = 30) async throws -> SigningError? {
    var result: SigningError?
    try await withProgram(sign: sign) { program in
      let signer = try await ExecSigner.open(program: program, timeout: timeout)
      result = await signingError { _ = try await signer.sign(message) }
    }
    return result
  }

  @Test(.enabled(if: hasOpenSSL, "needs openssl"))
  func opensslSignsForUs() async throws {
    try await withProgram(sign: openssl("good.pem")) { program in
      let signer = try await ExecSigner.open(program: program)
      #expect(signer.publicKey == (try vector.pair("token").publicKey))
      // Longer than a pipe holds, to see that nobody waits for anybody.
      let message = [UInt8](repeating: 7, count: 300_000)
      #expect(try await signer.sign(message) == vector.pair().sign(message))
      let envelope = try await Envelope.sign(payloadType: "t", payload: [1], signers: [signer])
      #expect(try envelope.verify(keys: [signer.publicKey], threshold: 1, payloadType: "t") == [1])
    }
  }

  @Test(.enabled(if: hasOpenSSL, "needs openssl"))
  func aSignatureOfAnotherKeyIsNotPassedOn() async throws {
    #expect(try await failure(sign: openssl("other.pem"))?.code == .badSignature)
  }

  @Test func aSignatureOfAnotherMessageIsNotPassedOn() async throws {
    let old = Data(try vector.pair().sign([9])).base64EncodedString()
    #expect(try await failure(sign: "echo \(old)")?.code == .badSignature)
  }

  @Test(arguments: ["true", "echo", "echo no base64", "echo QUJD", "head -c 1000 /dev/urandom", "echo a b"])
  func garbageIsRefused(sign: String) async throws {
    #expect(try await failure(sign: sign)?.code == .signer)
  }

  @Test func hugeOutputIsCutOff() async throws {
    let error = try #require(try await failure(sign: "yes"))
    #expect(error.code == .signer)
    #expect(error.description.contains("more than 65536 bytes"))
    // On standard error too, where it is only not kept.
    let noisy = try #require(try await failure(sign: "head -c 3000000 /dev/zero >&2; exit 3"))
    #expect(noisy.description.contains("failed with status 3"))
  }

  @Test func aFailureCarriesTheProgramsLastWords() async throws {
    let error = try #require(
      try await failure(sign: #"echo first >&2; printf 'no token \033[31min slot 0\n' >&2; exit 7"#))
    #expect(error.code == .signer)
    #expect(error.description.hasSuffix("sign failed with status 7: no token ?[31min slot 0"))
    let killed = try #require(try await failure(sign: "kill -9 $$"))
    #expect(killed.description.contains("was killed by signal 9"))
  }

  @Test func aMessageThatNobodyReadsDoesNotKillUs() async throws {
    #expect(
      try await failure(sign: "exit 1", message: [UInt8](repeating: 0, count: 1_000_000))?.code == .signer)
  }

  @Test func aHangingProgramIsStopped() async throws {
    try await withProgram(sign: "echo $$ > pid; exec sleep 1000") { program in
      let signer = try await ExecSigner.open(program: program, timeout: 1)
      let error = await signingError { _ = try await signer.sign([1]) }
      #expect(error?.code == .timeout)
      let directory = URL(filePath: program).deletingLastPathComponent()
      let text = try String(contentsOf: directory.appending(path: "pid"), encoding: .utf8)
      let process = try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines)))
      // Killed and reaped: its number is nobody's.
      #expect(kill(process, 0) == -1)
    }
  }

  @Test func aGrandchildThatKeepsThePipeOpenDoesNotHoldUsUp() async throws {
    let signature = Data(try vector.pair().sign([1])).base64EncodedString()
    try await withProgram(sign: "sleep 1000 & echo $! > pid; echo \(signature)") { program in
      let signer = try await ExecSigner.open(program: program, timeout: 30)
      #expect(try await signer.sign([1]) == vector.pair().sign([1]))
      let directory = URL(filePath: program).deletingLastPathComponent()
      let text = try String(contentsOf: directory.appending(path: "pid"), encoding: .utf8)
      kill(try #require(pid_t(text.trimmingCharacters(in: .whitespacesAndNewlines))), SIGKILL)
    }
  }

  @Test(arguments: ["true", "echo hello", "head -c 100 /dev/urandom", "echo netimg-ed25519 AAAA x", "exit 1"])
  func aProgramMustShowItsPublicKey(publicKey: String) async throws {
    try await withProgram(sign: "true", publicKey: publicKey) { program in
      #expect(await signingError { _ = try await ExecSigner.open(program: program) }?.code == .signer)
    }
  }

  @Test func aProgramThatIsNotThereIsNamed() async throws {
    let error = try #require(await signingError { _ = try await ExecSigner.open(program: "/no/such/signer") })
    #expect(error.code == .notFound)
    #expect(error.description.contains("/no/such/signer"))
  }

  @Test func theProgramDoesNotGetThePassphraseOfOurKeys() async throws {
    try await withProgram(sign: "env > environment; exit 1") { program in
      // The environment belongs to the process: only a child may change it.
      await #expect(processExitsWith: .success) { [program = program as String] in
        setenv("NETIMG_KEY_PASSPHRASE", "sesame", 1)
        setenv("NETIMG_KEYS", "/keys", 1)
        let signer = try await ExecSigner.open(program: program)
        _ = await signingError { _ = try await signer.sign([1]) }
      }
      let directory = URL(filePath: program).deletingLastPathComponent()
      let seen = try String(contentsOf: directory.appending(path: "environment"), encoding: .utf8)
      #expect(!seen.contains("sesame"))
      #expect(seen.contains("NETIMG_KEYS=/keys"))
    }
  }

  @Test func theProgramSeesAPlainFileAndNoDescriptorOfOurs() async throws {
    // A descriptor without O_CLOEXEC, as careless libraries leave them.
    let careless = dup(1)
    defer { close(careless) }
    try await withProgram(sign: "ls /proc/$$/fd > descriptors; stat -L -c '%F %s' /dev/stdin > input; exit 1")
    { program in
      let signer = try await ExecSigner.open(program: program)
      _ = await signingError { _ = try await signer.sign([1, 2, 3]) }
      let directory = URL(filePath: program).deletingLastPathComponent()
      let input = try String(contentsOf: directory.appending(path: "input"), encoding: .utf8)
      #expect(input == "regular file 3\n")
      let listed = try String(contentsOf: directory.appending(path: "descriptors"), encoding: .utf8)
      // The shell keeps its script open, at 10 or above.
      #expect(listed.split(separator: "\n").compactMap { Int($0) }.filter { $0 < 10 }.sorted() == [0, 1, 2])
    }
  }
}
