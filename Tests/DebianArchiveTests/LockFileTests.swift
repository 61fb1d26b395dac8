import Bytes
import FoundationEssentials
import Manifest
import Testing

@testable import DebianArchive

@Suite struct LockFileTests {
  typealias Fixture = LockFixture

  private static let sample: LockFile = {
    var lock = Fixture.lock(
      [
        Fixture.package("zlib", "1:1.3+dfsg-1~deb13u1"), Fixture.package("stub", role: .build),
        LockFile.Package(
          SolvedPackage(
            name: "app", version: "2", architecture: "all", archive: "debian", path: "pool/a/app_2_all.deb",
            size: 99, digest: SHA256.digest(of: [2]), source: "app-src",
            why: ["image router asks for \"app\"", "app needs ü (>= 1)\\"]),
          role: .image,
          scripts: [
            LockFile.Script(
              name: "postinst", digest: SHA256.digest(of: [3]), scriptClass: .known,
              actions: ["ldconfig", "units:app.service"]),
            LockFile.Script(name: "prerm", digest: SHA256.digest(of: [4]), scriptClass: .notRun, actions: []),
          ], triggers: [LockFile.Trigger(text: "activate-noawait ldconfig", triggerClass: .known)]),
      ], image: Fixture.image(Fixture.suite))
    lock.inputs = SHA256.digest(of: [5])
    return lock
  }()

  private static let text = """
    {
      "formatVersion": 1,
      "image": "router",
      "architecture": "amd64",
      "inputs": "e77b9a9ae9e30b0dbdb6f510a264ef9de781501d7b6b92ae89eb059c5ab743db",
      "archives": [
        {
          "archive": "debian",
          "suite": "trixie",
          "codename": "trixie",
          "version": "13.1",
          "date": "2026-11-21T09:15:44Z",
          "sha256": "4bf5122f344554c53bde2ebb8cd2b7e3d1600ad631c385a5d7cce23c7785459a"
        }
      ],
      "packages": [
        {
          "name": "app",
          "version": "2",
          "architecture": "all",
          "archive": "debian",
          "path": "pool/a/app_2_all.deb",
          "size": 99,
          "sha256": "dbc1b4c900ffe48d575b5da5c638040125f65db0fe3e24494b76ea986457d986",
          "source": "app-src",
          "role": "image",
          "why": [
            "image router asks for \\"app\\"",
            "app needs ü (>= 1)\\\\"
          ],
          "scripts": [
            {
              "name": "postinst",
              "sha256": "084fed08b978af4d7d196a7446a86b58009e636b611db16211b65a9aadff29c5",
              "class": "known",
              "actions": [
                "ldconfig",
                "units:app.service"
              ]
            },
            {
              "name": "prerm",
              "sha256": "e52d9c508c502347344d8c07ad91cbd6068afc75ff6292f062a09ca381c89e71",
              "class": "not-run"
            }
          ],
          "triggers": [
            {
              "text": "activate-noawait ldconfig",
              "class": "known"
            }
          ]
        },

    """

  @Test func theFileIsCanonicalAndReadsBack() throws {
    let bytes = Self.sample.encoded()
    let text = String(decoding: bytes, as: UTF8.self)
    #expect(text.hasPrefix(Self.text))
    #expect(text.hasSuffix("]\n}\n"))
    #expect(Self.sample.packages.map(\.name) == ["app", "stub", "zlib"])
    let decoded = try LockFile(decoding: bytes, file: "router.lock")
    #expect(decoded == Self.sample)
    #expect(decoded.encoded() == bytes)
  }

  @Test func orderInTheFileDoesNotMatter() throws {
    let value = try JSONSerializationFree.reordered(Self.sample)
    #expect(try LockFile(decoding: value, file: "x").encoded() == Self.sample.encoded())
  }

  private func refusal(_ bytes: [UInt8]) -> ArchiveError? {
    #expect(throws: ArchiveError.self) { try LockFile(decoding: bytes, file: "router.lock") }
  }

  private func refusal(replacing old: String, with new: String) throws -> ArchiveError {
    let text = String(decoding: Self.sample.encoded(), as: UTF8.self)
    try #require(text.contains(old))
    return try #require(refusal(Array(text.replacing(old, with: new, maxReplacements: 1).utf8)))
  }

  @Test func everyTruncatedPrefixThrows() {
    let bytes = Self.sample.encoded()
    for length in 0..<(bytes.count - 1) {
      #expect(throws: ArchiveError.self) { try LockFile(decoding: Array(bytes[..<length]), file: "x") }
    }
  }

  @Test func randomDamageNeverTraps() {
    var generator = SplitMix(state: 7)
    let bytes = Self.sample.encoded()
    for _ in 0..<2000 {
      var damaged = bytes
      for _ in 0..<3 {
        damaged[Int.random(in: 0..<damaged.count, using: &generator)] = UInt8.random(
          in: 0...255, using: &generator)
      }
      _ = try? LockFile(decoding: damaged, file: "x")
    }
  }

  @Test func aNewerFormatSaysSo() throws {
    let error = try refusal(replacing: "\"formatVersion\": 1", with: "\"formatVersion\": 2")
    #expect(error.code == .newerLock)
    #expect(error.description.contains("made by a newer netimg"))
    #expect(refusal(Array("{\"formatVersion\": 9, \"other\": true}".utf8))?.code == .newerLock)
    #expect(refusal(Array("{\"formatVersion\": 0}".utf8))?.code == .malformedLock)
  }

  @Test func aHugeFileIsRefusedUnread() {
    #expect(refusal([UInt8](repeating: 0x20, count: 100 << 20))?.code == .tooLarge)
  }

  @Test func deepNestingIsRefused() {
    let deep = String(repeating: "[", count: 100_000)
    #expect(refusal(Array("{\"formatVersion\": 1, \"packages\": \(deep)".utf8))?.code == .malformedLock)
  }

  @Test(arguments: [
    ("pool/a/app_2_all.deb", "/etc/passwd", "packages[0].path"),
    ("pool/a/app_2_all.deb", "a/../b", "packages[0].path"),
    ("pool/a/app_2_all.deb", "", "packages[0].path"), ("\"size\": 99", "\"size\": 0", "packages[0].size"),
    ("\"size\": 99", "\"size\": -5", "packages[0].size"),
    ("\"size\": 99", "\"size\": 99999999999", "packages[0].size"),
    ("\"size\": 99", "\"size\": 1e300", "the file is not JSON, or has a number that is too large"),
    ("\"size\": 99", "\"size\": \"99\"", "packages[0].size"),
    ("dbc1b4", "DBC1B4", "packages[0].sha256"), ("dbc1b4", "dbc1b", "packages[0].sha256"),
    ("dbc1b4", "zzc1b4", "packages[0].sha256"),
    ("\"role\": \"image\"", "\"role\": \"x\"", "packages[0].role"),
    ("\"name\": \"app\"", "\"name\": \"zlib\"", "packages[2] is a second entry for zlib"),
    ("\"name\": \"app\"", "\"name\": \"../app\"", "packages[0].name"),
    ("\"name\": \"app\"", "\"nome\": \"app\"", "packages[0] has no \"name\""),
    ("\"version\": \"2\"", "\"version\": \"a b\"", "packages[0].version"),
    (
      "\"archive\": \"debian\",\n      \"path\"", "\"archive\": \"other\",\n      \"path\"",
      "packages[0].archive"
    ),
    ("\"class\": \"known\"", "\"class\": \"unknown\"", "packages[0].scripts[0].class"),
    ("\"name\": \"prerm\"", "\"name\": \"postinst\"", "packages[0].scripts lists a script twice"),
    ("\"name\": \"prerm\"", "\"name\": \"evil\"", "packages[0].scripts[1].name"),
    ("\"ldconfig\",", "\"ld\\u001bconfig\",", "packages[0].scripts[0].actions[0]"),
    ("2026-11-21T09:15:44Z", "yesterday", "archives[0].date"),
    ("\"suite\": \"trixie\"", "\"suite\": \"../x\"", "archives[0].suite"),
    ("\"architecture\": \"amd64\"", "\"architecture\": \"\"", "architecture"),
    ("\"image\": \"router\"", "\"image\": \"Router Nr 1\"", "image"),
  ])
  func aBadValueIsNamed(old: String, new: String, place: String) throws {
    let error = try refusal(replacing: old, with: new)
    #expect(error.code == .malformedLock)
    #expect(error.description.hasPrefix("router.lock: \(place)"))
  }

  @Test func aSmallChangeIsASmallDiff() {
    var changed = Self.sample
    changed.packages.append(Fixture.package("new"))
    let before = Set(String(decoding: Self.sample.encoded(), as: UTF8.self).split(separator: "\n"))
    let after = String(decoding: changed.encoded(), as: UTF8.self).split(separator: "\n")
    let added = after.filter { !before.contains($0) }
    #expect(added.count <= 6)
  }
}

/// A second, independent way to write the same lock: keys and packages in another order.
enum JSONSerializationFree {
  static func reordered(_ lock: LockFile) throws -> [UInt8] {
    let text = String(decoding: lock.encoded(), as: UTF8.self)
    // Move the header's members behind the packages, and squeeze the blanks.
    let header = "\"formatVersion\": 1,\n  \"image\": \"router\",\n  "
    let moved = text.replacing(header, with: "")
    let end = moved.lastIndex(of: "}") ?? moved.endIndex
    return Array((moved[..<end] + ", \"image\" :\t\"router\",\"formatVersion\":1}").utf8)
  }
}

/// A small generator with a fixed seed, so that a failure can be seen again.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var value = state
    value = (value ^ (value >> 30)) &* 0xBF58_476D_1CE4_E5B9
    value = (value ^ (value >> 27)) &* 0x94D0_49BB_1331_11EB
    return value ^ (value >> 31)
  }
}
