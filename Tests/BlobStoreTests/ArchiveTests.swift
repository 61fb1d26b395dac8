import Bytes
import Foundation
import TestSupport
import Testing

@testable import BlobStore

@Suite("exports and imports") struct ArchiveTests {
  /// Everything that a store exports.
  static func export(_ store: BlobStore, _ digests: [SHA256Digest]? = nil) throws -> [UInt8] {
    var archive: [UInt8] = []
    _ = try store.exportArchive(digests) { archive += $0 }
    return archive
  }

  /// Imports in pieces of odd sizes, as a pipe would give them.
  @discardableResult
  static func importArchive(
    _ archive: [UInt8], into store: BlobStore, trust: Bool = true
  ) throws -> BlobStore.Imported {
    var position = 0
    return try store.importArchive(acceptsRecords: trust) { buffer in
      let count = min(buffer.count, 777, archive.count - position)
      archive.withUnsafeBytes { buffer.copyBytes(from: $0[position..<position + count]) }
      position += count
      return count
    }
  }

  private func filled(_ store: BlobStore) throws -> [SHA256Digest] {
    try store.setRecord(pattern(700, seed: 9), kind: "frame", key: "1-12-abc")
    try store.setRecord([1], kind: "package", key: "2-def")
    try store.setRecord([2], kind: "archives", key: "seen")
    return try [0, 1, 511, 512, 513, 3_000_000].enumerated().map {
      try store.insert(pattern($1, seed: UInt8($0)))
    }.sorted()
  }

  @Test("a whole store goes through an archive, without what only this machine may remember")
  func wholeStore() async throws {
    try await withStore { store in
      let digests = try filled(store)
      let archive = try Self.export(store)
      #expect(archive.count.isMultiple(of: 512))
      try await withStore { other in
        let result = try Self.importArchive(archive, into: other)
        #expect(result.blobs == 6 && result.records == 2 && result.present == 0 && result.recordsSkipped == 0)
        #expect(try other.digests() == digests)
        for digest in digests { #expect(try other.read(digest) == store.read(digest)) }
        #expect(try other.record(kind: "frame", key: "1-12-abc") == pattern(700, seed: 9))
        #expect(try other.record(kind: "archives", key: "seen") == nil)
        #expect(try leftovers(other) == [])
        #expect(try Self.export(other) == archive)
        let again = try Self.importArchive(archive, into: other)
        #expect(again.blobs == 0 && again.present == 6)
      }
      try await withStore { other in
        let result = try Self.importArchive(archive, into: other, trust: false)
        #expect(result.records == 0 && result.recordsSkipped == 2)
        #expect(try other.record(kind: "frame", key: "1-12-abc") == nil)
      }
    }
  }

  @Test("a selection is exactly that, sorted, once each; what is missing is said")
  func selection() async throws {
    try await withStore { store in
      let digests = try filled(store)
      let archive = try Self.export(store, [digests[4], digests[1], digests[4]])
      try await withStore { other in
        try Self.importArchive(archive, into: other)
        #expect(try other.digests() == [digests[1], digests[4]])
      }
      let error = storeError { _ = try Self.export(store, [SHA256.digest(of: pattern(9, seed: 77))]) }
      #expect(error?.code == .missing)
    }
  }

  @Test("zeros without an end are refused, before the first file and after the last")
  func endlessZeros() async throws {
    try await withStore { store in
      _ = try filled(store)
      for beginning in [[], try Self.export(store)] {
        try await withStore { other in
          var position = 0
          let error = storeError {
            _ = try other.importArchive(acceptsRecords: true) { buffer in
              let rest = beginning.dropFirst(position).prefix(buffer.count)
              for index in 0..<buffer.count { buffer[index] = 0 }
              buffer.copyBytes(from: rest)
              position += buffer.count
              return buffer.count
            }
          }
          #expect(error?.code == .badArchive)
          #expect("\(String(describing: error))".contains("too many zeros"))
          let left = try other.digests()
          #expect(left.isEmpty)
        }
      }
    }
  }

  @Test(
    "tar lists and unpacks an export, and what tar packs again is taken",
    .enabled(if: findTool("tar") != nil, "tar is missing")
  )
  func foreignTar() async throws {
    try await withStore { store in
      let digests = try filled(store)
      try await withScratchDirectory { scratch in
        let file = scratch.appending(path: "a.tar").path
        try Data(try Self.export(store)).write(to: URL(filePath: file))
        let directory = scratch.appending(path: "out").path
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let unpacked = try run(["tar", "-xf", file, "-C", directory])
        #expect(unpacked.status == 0 && unpacked.errorText.isEmpty, "\(unpacked.errorText)")
        for digest in digests {
          let path = "\(directory)/blobs/sha256/\(digest.hex.prefix(2))/\(digest.hex.dropFirst(2))"
          #expect(SHA256.digest(of: [UInt8](try Data(contentsOf: URL(filePath: path)))) == digest)
        }
        for format in ["ustar", "gnu", "v7"] {
          let again = try run(
            [
              "tar", "-cf", "-", "--format=\(format)", "-C", directory, "./netimg-store", "./blobs",
              "./records",
            ])
          try await withStore { other in
            if format == "v7" {
              #expect(storeError { try Self.importArchive(again.output, into: other) }?.code == .badArchive)
            } else {
              try Self.importArchive(again.output, into: other)
              #expect(try other.digests() == digests)
            }
          }
        }
      }
    }
  }

  /// Files of an archive made by hand, after the marker.
  private struct Item {
    var path: String
    var content: [UInt8] = []
    var type = UInt8(ascii: "0")
    var size: String?
    var breaksChecksum = false
    var magic = "ustar"

    var bytes: [UInt8] {
      var block = TarBlock(path: path, size: content.count).encode() ?? []
      block[156] = type
      if let size {
        block.replaceSubrange(
          124..<136, with: Array(size.utf8) + [UInt8](repeating: 0, count: 12 - size.utf8.count))
      }
      block.replaceSubrange(257..<262, with: magic.utf8)
      block.replaceSubrange(148..<156, with: "        ".utf8)
      let sum = String(block.reduce(0) { $0 + Int($1) } + (breaksChecksum ? 1 : 0), radix: 8)
      block.replaceSubrange(
        148..<156, with: Array((String(repeating: "0", count: 6 - sum.utf8.count) + sum).utf8) + [0, 0x20])
      return block + content + [UInt8](repeating: 0, count: TarBlock.padding(after: content.count))
    }
  }

  private static let marker = Item(path: "netimg-store", content: Array("1\n".utf8))
  private static let end = [UInt8](repeating: 0, count: 1024)
  private static func blob(_ content: [UInt8], as claimed: [UInt8]? = nil) -> Item {
    let hex = SHA256.digest(of: claimed ?? content).hex
    return Item(path: "blobs/sha256/\(hex.prefix(2))/\(hex.dropFirst(2))", content: content)
  }

  private static let hostile: [(what: String, bytes: [UInt8])] = {
    let good = blob([1, 2, 3])
    func archive(_ items: Item...) -> [UInt8] { items.flatMap(\.bytes) + end }
    func link(_ type: Character) -> Item {
      var item = Item(path: good.path)
      item.type = type.asciiValue ?? 0
      return item
    }
    var tooLong = good
    tooLong.size = "77777777777"
    var base256 = good
    base256.size = "\u{1}"
    var negative = good
    negative.size = "-1"
    var wrongSum = good
    wrongSum.breaksChecksum = true
    var noMagic = good
    noMagic.magic = "abcde"
    var record = Item(path: "records/frame/key", content: Array("netimg-record-1\n".utf8))
    record.content += [UInt8](repeating: 7, count: 40)
    var directory = Item(path: "blobs/../..")
    directory.type = UInt8(ascii: "5")
    var lateMarker = marker
    lateMarker.content = Array("2\n".utf8)
    return [
      ("nothing", []), ("only its end", end),
      ("text", Array(String(repeating: "no archive ", count: 100).utf8)),
      ("no marker", archive(good)), ("the marker later", archive(good, marker)),
      ("the marker twice", archive(marker, marker)), ("another version", archive(lateMarker, good)),
      ("parent directories", archive(marker, Item(path: "blobs/sha256/../../../etc/passwd"))),
      ("an absolute path", archive(marker, Item(path: "/etc/passwd"))),
      ("a path beside", archive(marker, Item(path: "temporary/x"))),
      (
        "an upper-case digest",
        archive(marker, Item(path: good.path.uppercased().replacing("BLOBS/SHA", with: "blobs/sha")))
      ),
      ("a short digest", archive(marker, Item(path: "blobs/sha256/ab/cd"))),
      ("a record that leaves its directory", archive(marker, Item(path: "records/frame/../x"))),
      ("a record with a hidden name", archive(marker, Item(path: "records/frame/.x"))),
      ("a directory outside", archive(marker, directory)),
      ("another content", archive(marker, blob([1, 2, 4], as: [1, 2, 3]))),
      ("a damaged record", archive(marker, record)),
      ("a symbolic link", archive(marker, link("2"))), ("a hard link", archive(marker, link("1"))),
      ("a device", archive(marker, link("3"))), ("a pipe", archive(marker, link("6"))),
      ("a sparse file", archive(marker, link("S"))), ("a long name", archive(marker, link("L"))),
      ("pax attributes", archive(marker, link("x"))), ("a blob twice", archive(marker, good, good)),
      ("eight gibibytes", archive(marker, tooLong)), ("a size in base 256", archive(marker, base256)),
      ("a negative size", archive(marker, negative)), ("a wrong checksum", archive(marker, wrongSum)),
      ("another magic", archive(marker, noMagic)), ("something behind its end", archive(marker, good) + [1]),
      ("one block of zeros", marker.bytes + good.bytes + [UInt8](repeating: 0, count: 512)),
      ("padding that is not zero", marker.bytes + Array(good.bytes.dropLast()) + [1] + end),
    ]
  }()

  @Test("hostile archives are refused, and nothing of them stays", arguments: hostile.indices)
  func hostileArchive(number: Int) async throws {
    let (what, bytes) = Self.hostile[number]
    try await withStore { store in
      let error = storeError { try Self.importArchive(bytes, into: store) }
      #expect(error?.code == .badArchive, "\(what)")
      #expect(error?.description.contains("at byte") == true, "\(what)")
      let (digests, left) = (try store.digests(), try leftovers(store))
      #expect(digests == [] && left == [], "\(what)")
    }
  }

  @Test("an archive that ends early, wherever, is refused, and nothing of it stays")
  func truncated() async throws {
    try await withStore { store in
      let kept = try [5, 600].map { try store.insert(pattern($0)) }
      try store.setRecord([1], kind: "frame", key: "k")
      let archive = try Self.export(store)
      #expect(kept.count == 2)
      try await withStore { other in
        for count in 0..<(archive.count - 512) where count % 64 < 2 {
          let error = storeError { try Self.importArchive(Array(archive[..<count]), into: other) }
          #expect(error?.code == .badArchive, "\(count) bytes")
        }
        let (digests, left) = (try other.digests(), try leftovers(other))
        #expect(digests == [] && left == [])
        #expect(try Self.importArchive(archive, into: other).blobs == 2)
      }
    }
  }

  @Test("an import replaces an entry that is damaged")
  func heals() async throws {
    try await withStore { store in
      let digest = try store.insert(pattern(900))
      let archive = try Self.export(store)
      try flipBit(store.path(of: digest), byte: 5)
      #expect(try Self.importArchive(archive, into: store).blobs == 1)
      #expect(try store.read(digest) == pattern(900))
    }
  }

  @Test("what an interrupted import leaves goes with the next sweep")
  func sweeps() async throws {
    try await withStore { store in
      let directory = "\(store.root)/temporary/import-x"
      try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
      try Data([1]).write(to: URL(filePath: "\(directory)/0"))
      setAge(directory, seconds: 90_000)
      _ = try BlobStore(root: store.root)
      #expect(try leftovers(store) == [])
    }
  }
}
