import Foundation
import TestSupport
import Testing

@testable import ImageBuilder

@Suite(
  "hostile releases",
  .enabled(if: TinyImage.isPossible, "missing: \(TinyImage.missingTools.joined(separator: ", "))"))
struct HostileReleaseTests {
  @Test("a file of gigabytes that takes no room on disk is refused before it is read, whichever it is")
  func sparse() async throws {
    try await ReleaseFixture.with { release in
      let frame = try #require(
        try FileManager.default.contentsOfDirectory(atPath: release.path("frames")).sorted().first)
      let names = release.built.release.artifacts.map(\.name) + ["frames/\(frame)", ReleaseFile.signature]
      for name in names {
        let original = try release.read(name)
        try #require(truncate(release.path(name), 3 << 30) == 0)
        let found = try await release.findings()
        #expect(
          found.contains { $0.contains("/\(name) is no regular file of at most ") }, "\(name): \(found)")
        try release.write(original, to: name)
      }
      #expect(try await release.findings() == [])
      try #require(truncate(release.path(ReleaseFile.release), 3 << 30) == 0)
      #expect(await failure { try await release.findings() }?.code == .verification)
    }
  }

  @Test(
    "links to devices and directories, and pipes, are not read; a link to the right bytes is as good as they are"
  )
  func kinds() async throws {
    try await ReleaseFixture.with { release in
      let name = ReleaseFile.uki
      let aside = release.path("aside")
      try FileManager.default.moveItem(atPath: release.path(name), toPath: aside)
      for target in ["/dev/zero", "/", "."] {
        try FileManager.default.createSymbolicLink(atPath: release.path(name), withDestinationPath: target)
        let found = try await release.findings()
        #expect(found.contains { $0.contains("/\(name) is no regular file") }, "\(target): \(found)")
        unlink(release.path(name))
      }
      try #require(mkfifo(release.path(name), 0o600) == 0)
      #expect(try await release.findings().contains { $0.contains("/\(name) is no regular file") })
      unlink(release.path(name))
      try FileManager.default.createSymbolicLink(atPath: release.path(name), withDestinationPath: "aside")
      #expect(try await release.findings() == [])
    }
  }

  @Test("what is printed has no control characters, and a format that never was is none")
  func words() async throws {
    try await ReleaseFixture.with { release in
      let original = try release.read(ReleaseFile.release)
      let edits: [(String, (inout Release) -> Void)] = [
        ("name", { $0.name = "a\n\u{1b}[31mEVIL" }), ("name", { $0.name = "../x" }),
        ("version", { $0.version = "" }), ("version", { $0.version = "1 0" }),
        ("architecture", { $0.architecture = "\u{7f}" }), ("commandLine", { $0.kernel.commandLine = "a\nb" }),
        ("format -1", { $0.format = -1 }), ("format 0", { $0.format = 0 }),
      ]
      for (word, edit) in edits {
        try release.edit(edit)
        let error = await failure { try await release.findings() }
        #expect(error?.code == .verification && error?.message.contains(word) == true, "\(word)")
        #expect(error?.message.contains("\u{1b}") == false)
        try release.write(original, to: ReleaseFile.release)
      }
      #expect(try await release.findings() == [])
    }
  }

  @Test("a release.json that lists a file twice, or very many, is none")
  func artifacts() async throws {
    try await ReleaseFixture.with { release in
      let original = try release.read(ReleaseFile.release)
      for count in [2, 100] {
        try release.edit { release in
          let first = release.artifacts[0]
          for number in 1..<count {
            var copy = first
            if count > 2 { copy.name = "\(number)" }
            release.artifacts.append(copy)
          }
        }
        let error = await failure { try await release.findings() }
        #expect(error?.code == .verification)
        #expect(error?.message.contains("lists a file twice, or more than 64 of them") == true)
        try release.write(original, to: ReleaseFile.release)
      }
    }
  }

  @Test(
    "numbers and nesting beyond reason end in one sentence",
    arguments: [
      ("\"size\" : ", "\"size\" : 1e300,\"x\" : "), ("\"size\" : ", "\"size\" : -1,\"x\" : "),
      ("\"format\" : 1", "\"format\" : 18446744073709551616"), ("\"format\" : 1", "\"format\" : 1e999"),
      ("\"format\" : 1", "\"format\" : " + String(repeating: "[", count: 200_000)),
      ("\"frames\" : ", "\"frames\" : 99999999999999999999,\"x\" : "),
    ])
  func numbers(text: String, replacement: String) async throws {
    try await ReleaseFixture.with { release in
      let json = String(decoding: try release.read(ReleaseFile.release), as: UTF8.self)
      #expect(json.contains(text))
      try release.write(Array(json.replacing(text, with: replacement).utf8), to: ReleaseFile.release)
      let error = await failure { try await release.findings() }
      #expect(error?.code == .verification)
      #expect(error?.message.contains("is no release: ") == true, "\(String(describing: error))")
      #expect((error?.message.utf8.count ?? 0) < 500)
    }
  }
}
