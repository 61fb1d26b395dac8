import Foundation
import TestSupport
import Testing

@testable import DebianPackage

/// The control parser against dpkg's own.
@Suite(.enabled(if: Tool.exists("dpkg-deb"), "needs dpkg-deb")) struct ControlForeignTests {
  /// Builds a package around a control file; `nil` if dpkg-deb does not take it.
  private func build(_ control: String, in directory: URL) throws -> [UInt8]? {
    let root = directory.appendingPathComponent("root")
    try? FileManager.default.removeItem(at: root)
    let area = root.appendingPathComponent("DEBIAN")
    try FileManager.default.createDirectory(at: area, withIntermediateDirectories: true)
    try Data(control.utf8).write(to: area.appendingPathComponent("control"))
    let package = directory.appendingPathComponent("out.deb")
    guard try Tool.run("dpkg-deb", ["-Znone", "--build", root.path, package.path]).status == 0 else {
      return nil
    }
    return [UInt8](try Data(contentsOf: package))
  }

  private let head = "Package: demo\nVersion: 1.0-1\nArchitecture: all\nMaintainer: A <a@example.org>\n"

  @Test(arguments: [
    "Description: one\n two\n  three\n .\n four\n",
    "Description:   spaced  \n  indented   \n",
    "Description:\n only folded\n",
    "Description: x\nX-Colon: a:b: c\n",
    "Description: Főtanúsítvány\n ünï\n",
    "Description: x\nX-Folded: a (>= 1),\n b | c,\n d\n",
    "description: lower\nX-MIXED-case: y\n",
  ])
  func valuesAreThoseOfDpkg(_ tail: String) async throws {
    try await withScratchDirectory { directory in
      let bytes = try #require(try build(head + tail, in: directory))
      let package = try DebFile(bytes: bytes, name: "out.deb")
      let path = directory.appendingPathComponent("out.deb").path
      for field in package.control.fields {
        // dpkg prints a continuation line with its blank, and a newline behind the last.
        let printed = try Tool.must("dpkg-deb", ["--field", path, field.name])
        let theirs = String(decoding: printed, as: UTF8.self).split(
          separator: "\n", omittingEmptySubsequences: false)
        let ours = field.value.split(separator: "\n", omittingEmptySubsequences: false)
        #expect(theirs.last == "")
        let lines = theirs.dropLast().enumerated().map {
          $0.offset == 0 ? $0.element : $0.element.dropFirst()
        }
        #expect(lines.map { $0.trimmingSuffix(" ") } == ours.map { $0.trimmingSuffix(" ") }, "\(field.name)")
      }
    }
  }

  /// What dpkg-deb does not build, we do not read either.
  @Test(arguments: [
    "Description: x\nDescription: y\n", "Description: x\n\nPackage: second\n", "no colon\n", " stray first\n",
    "Description: x\n   \n y\n", "Desc ription: x\n", "-Dash: x\n", "Package: other\n",
  ])
  func whatDpkgRefusesIsRefused(_ tail: String) async throws {
    try await withScratchDirectory { directory in
      let control = tail.hasPrefix(" ") ? tail + head : head + tail
      let built = try build(control, in: directory)
      #expect(built == nil)
      #expect(HandMade.refusal(HandMade.package(control: Array(control.utf8))) == .malformedControl)
    }
  }

  @Test(arguments: ["1.0 2", "1_0", "-1", "1-", ":1", "a:1", "", "1:", "x"])
  func versionsThatDpkgRefuses(_ version: String) async throws {
    try await withScratchDirectory { directory in
      let control =
        "Package: demo\nVersion: \(version)\nArchitecture: all\nMaintainer: A <a@example.org>\nDescription: x\n"
      let built = try build(control, in: directory)
      #expect(built == nil)
      #expect(HandMade.refusal(HandMade.package(control: Array(control.utf8))) != nil)
    }
  }

  @Test func manyParagraphs() throws {
    var text = ""
    for number in 0..<3000 {
      text +=
        "Package: p\(number)\nVersion: 1.\(number)\nDepends: a (>= \(number)),\n b\nSize: \(number * 7)\n\n"
    }
    var seen = 0
    try ControlParagraph.forEach(in: Array(text.utf8), file: "Packages") { paragraph in
      #expect(paragraph["package"] == "p\(seen)")
      #expect(paragraph["Size"] == String(seen * 7))
      #expect(paragraph.line == seen * 6 + 1)
      seen += 1
    }
    #expect(seen == 3000)
  }
}

extension StringProtocol {
  /// Without blanks at the end: dpkg keeps them there, we do not.
  fileprivate func trimmingSuffix(_ character: Character) -> SubSequence {
    guard let last = lastIndex(where: { $0 != character }) else { return self[startIndex..<startIndex] }
    return self[...last]
  }
}
