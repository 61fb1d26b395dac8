import FoundationEssentials
import TestSupport
import Testing

@testable import GitSync

/// A git repository that a test commits to with git itself, and keys that ssh-keygen made.
private struct Origin {
  let path: String
  let keys: String

  static let hasTools = findTool("git") != nil && findTool("ssh-keygen") != nil

  init(at directory: String) throws {
    path = "\(directory)/origin"
    keys = "\(directory)/keys"
    try FileManager.default.createDirectory(atPath: keys, withIntermediateDirectories: true)
    for name in ["ada", "mallory"] {
      _ = try Self.succeed([
        "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", "\(keys)/\(name)",
      ])
    }
    _ = try Self.succeed(["git", "init", "-q", "-b", "main", path])
  }

  static func succeed(_ arguments: [String]) throws -> String {
    let result = try run(arguments)
    struct Failed: Error { let text: String }
    guard result.status == 0 else { throw Failed(text: "\(arguments): \(result.errorText)") }
    return result.text
  }

  func git(_ arguments: [String], key: String? = nil) throws -> String {
    let signing = key.map {
      ["-c", "gpg.format=ssh", "-c", "user.signingkey=\(keys)/\($0)", "-c", "commit.gpgsign=true"]
    }
    return try Self.succeed(
      ["git", "-C", path, "-c", "user.name=t", "-c", "user.email=t@example.org"]
        + (signing ?? ["-c", "commit.gpgsign=false"]) + arguments)
  }

  /// Commits a file and gives the commit's name.
  @discardableResult
  func commit(_ text: String, to file: String = "fleet.yaml", key: String?) throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: "\(path)/\(file)"))
    _ = try git(["add", "-A"])
    _ = try git(["commit", "-qm", "change"], key: key)
    return String(try git(["rev-parse", "HEAD"]).prefix(40))
  }

  func signers(_ names: [String] = ["ada"], options: String = "") throws -> AllowedSigners {
    let lines = try names.map { name in
      let key = try String(contentsOf: URL(fileURLWithPath: "\(keys)/\(name).pub"), encoding: .utf8)
      return "\(name)@example.org \(options)\(key)"
    }
    return try AllowedSigners(Array(("# who may sign\n" + lines.joined()).utf8), file: "allowed_signers")
  }
}

private func code(_ body: () throws -> Void) -> String {
  do {
    try body()
    return "fine"
  } catch let error as GitSyncError {
    return "\(error.code)"
  } catch {
    return "\(error)"
  }
}

@Suite(.enabled(if: Origin.hasTools, "git or ssh-keygen is missing")) struct GitSyncTests {
  @Test func aSignedBranchIsFollowedForward() async throws {
    try await withScratchDirectory { scratch in
      let origin = try Origin(at: scratch.path)
      let mirror = try GitMirror(directory: "\(scratch.path)/mirror.git")
      let signers = try origin.signers()
      let first = try origin.commit("one", key: "ada")
      #expect(try mirror.fetch(origin.path, branch: "main") == first)
      let head = try mirror.check(first, signers: signers)
      #expect(head.signer == "ada@example.org" && head.subject == "change")
      #expect(try mirror.appliedCommit() == nil)
      try mirror.setApplied(first)
      #expect(try mirror.appliedCommit() == first)
      #expect(try mirror.file("fleet.yaml", at: first) == Array("one".utf8))
      #expect(try mirror.file("none", at: first) == nil)
      let second = try origin.commit("two", key: "ada")
      #expect(try mirror.fetch("file://\(origin.path)", branch: "main") == second)
      _ = try mirror.check(second, signers: signers)
      try mirror.setApplied(second)
      // Opened anew, it still knows.
      #expect(try GitMirror(directory: "\(scratch.path)/mirror.git").appliedCommit() == second)
      #expect(code { _ = try mirror.fetch(origin.path, branch: "other") } == "notFound")
      #expect(code { _ = try mirror.fetch("\(scratch.path)/none", branch: "main") } == "unreachable")
    }
  }

  @Test func whatNobodyWhoMaySignedIsRefused() async throws {
    try await withScratchDirectory { scratch in
      let origin = try Origin(at: scratch.path)
      let mirror = try GitMirror(directory: "\(scratch.path)/mirror.git")
      let signers = try origin.signers()
      func check() throws {
        _ = try mirror.check(mirror.fetch(origin.path, branch: "main"), signers: signers)
      }
      let first = try origin.commit("one", key: "ada")
      try check()
      try mirror.setApplied(first)
      try origin.commit("two", key: nil)
      #expect(code(check) == "unsigned")
      // A good commit on top does not make the one below good.
      try origin.commit("three", key: "ada")
      #expect(code(check) == "unsigned")
      _ = try origin.git(["reset", "-q", "--hard", first])
      try origin.commit("four", key: "mallory")
      #expect(code(check) == "unsigned")
      // Nor does a merge: every commit that it brings counts.
      _ = try origin.git(["reset", "-q", "--hard", first])
      _ = try origin.git(["checkout", "-q", "-b", "side"])
      try origin.commit("side", to: "side", key: "mallory")
      _ = try origin.git(["checkout", "-q", "main"])
      try origin.commit("five", key: "ada")
      _ = try origin.git(["merge", "-q", "--no-ff", "-m", "merge", "side"], key: "ada")
      #expect(code(check) == "unsigned")
    }
  }

  @Test func aRewrittenBranchIsRefused() async throws {
    try await withScratchDirectory { scratch in
      let origin = try Origin(at: scratch.path)
      let mirror = try GitMirror(directory: "\(scratch.path)/mirror.git")
      let signers = try origin.signers()
      let first = try origin.commit("one", key: "ada")
      let second = try origin.commit("two", key: "ada")
      try mirror.setApplied(mirror.fetch(origin.path, branch: "main"))
      _ = try origin.git(["reset", "-q", "--hard", first])
      #expect(
        code { _ = try mirror.check(mirror.fetch(origin.path, branch: "main"), signers: signers) }
          == "notFastForward")
      try origin.commit("other", key: "ada")
      #expect(
        code { _ = try mirror.check(mirror.fetch(origin.path, branch: "main"), signers: signers) }
          == "notFastForward")
      #expect(try mirror.appliedCommit() == second)
    }
  }

  @Test func aSignatureForSomethingElseIsNone() async throws {
    try await withScratchDirectory { scratch in
      let origin = try Origin(at: scratch.path)
      let message = "tree and parents\n"
      let file = "\(scratch.path)/message"
      func sign(_ namespace: String, _ text: String = message) throws -> String {
        try Data(text.utf8).write(to: URL(fileURLWithPath: file))
        try? FileManager.default.removeItem(atPath: "\(file).sig")
        _ = try Origin.succeed([
          "ssh-keygen", "-q", "-Y", "sign", "-f", "\(origin.keys)/ada", "-n", namespace, file,
        ])
        return try String(contentsOf: URL(fileURLWithPath: "\(file).sig"), encoding: .utf8)
      }
      let signers = try origin.signers()
      let bytes = Array(message.utf8)
      #expect(try signers.signer(of: bytes, signature: sign("git")) == "ada@example.org")
      #expect(try signers.signer(of: bytes, signature: sign("file")) == nil)
      #expect(try signers.signer(of: bytes, signature: sign("git", "another")) == nil)
      let good = try sign("git")
      // Every damage is refused or counts for nothing, and none traps.
      for position in stride(from: 0, to: good.utf8.count, by: 3) {
        var damaged = Array(good.utf8)
        damaged[position] = damaged[position] == 0x41 ? 0x42 : 0x41
        let signer = try? signers.signer(of: bytes, signature: String(decoding: damaged, as: UTF8.self))
        #expect(signer == nil || signer == .some(nil), "byte \(position)")
        _ = try? signers.signer(
          of: bytes, signature: String(decoding: good.utf8.prefix(position), as: UTF8.self))
      }
      #expect(
        try origin.signers(options: "namespaces=\"git\" ").signer(of: bytes, signature: good)
          == "ada@example.org")
      #expect(code { _ = try origin.signers(options: "namespaces=\"file\" ") } == "malformed")
    }
  }

  @Test func listsThatAreNoneAreRefused() {
    for text in [
      "", "# nobody\n", "ada ssh-ed25519\n", "ada ssh-ed25519 AAAA\n", "ssh-ed25519 AAAA\n", "a b c d e\n",
    ] {
      #expect(code { _ = try AllowedSigners(Array(text.utf8), file: "f") } == "malformed", "\(text)")
    }
  }

  @Test func proposalsAreReadFromADirectory() async throws {
    try await withScratchDirectory { scratch in
      let origin = try Origin(at: scratch.path)
      let mirror = try GitMirror(directory: "\(scratch.path)/mirror.git")
      try FileManager.default.createDirectory(
        atPath: "\(origin.path)/proposals", withIntermediateDirectories: true)
      try FileManager.default.createSymbolicLink(
        atPath: "\(origin.path)/proposals/link.json", withDestinationPath: "/etc/passwd")
      try origin.commit("{}", to: "proposals/b.json", key: "ada")
      let commit = try origin.commit("x", to: "proposals/notes.txt", key: "ada")
      _ = try mirror.fetch(origin.path, branch: "main")
      let files = try mirror.jsonFiles(in: "proposals", at: commit)
      #expect(files.map(\.name) == ["b.json"] && files.first?.bytes == Array("{}".utf8))
      #expect(try mirror.file("proposals/link.json", at: commit) == nil)
      #expect(try mirror.jsonFiles(in: "none", at: commit).isEmpty)
      #expect(try mirror.jsonFiles(in: "proposals", at: commit, maximumFiles: 1).count == 1)
      #expect(throws: GitSyncError.self) {
        try mirror.jsonFiles(in: "proposals", at: commit, maximumFiles: 0)
      }
    }
  }
}
