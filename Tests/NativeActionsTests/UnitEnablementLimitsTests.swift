import Testing

@testable import NativeActions

@Suite struct UnitEnablementLimitsTests {
  private func links(_ names: [String], _ units: @escaping (String) -> String?) throws -> [UnitEnablement
    .Link]
  {
    try UnitEnablement.links(enabling: names.compactMap { UnitName($0) }) { name throws(NativeActionError) in
      guard let text = units(name.text) else { return nil }
      return UnitEnablement.Unit(
        name: name, path: "/u/\(name.text)", file: try UnitFile.parse([UInt8](text.utf8), file: name.text))
    }
  }

  @Test func unitsThatAskForEachOtherEnd() throws {
    let found = try links(["a.service"]) { name in
      "[Install]\nWantedBy=x.target\nAlso=\(name == "a.service" ? "b.service" : "a.service")\n"
    }
    #expect(found.map(\.path) == ["x.target.wants/a.service", "x.target.wants/b.service"])
  }

  @Test func unitsWithoutEndAreRefused() {
    #expect(
      code {
        _ = try links(["u0.service"]) { name in
          let number = Int(name.dropFirst().prefix { $0.isNumber }) ?? 0
          return "[Install]\nAlso=u\(number + 1).service\n"
        }
      } == .limitExceeded)
  }

  @Test func aMissingAlsoNamesTheUnitThatAsks() {
    do {
      _ = try links(["a.service"]) { $0 == "a.service" ? "[Install]\nAlso=gone.socket\n" : nil }
      Issue.record("nothing was thrown")
    } catch let error as NativeActionError {
      #expect(error.code == .missing)
      #expect(error.origin == "/u/a.service")
      #expect(error.message.contains("gone.socket"))
    } catch {
      Issue.record("another error: \(error)")
    }
  }

  @Test func upheldUnitsAndSpecifiers() throws {
    let found = try links(["my-app@one.service"]) { name in
      guard name == "my-app@.service" else { return nil }
      return "[Install]\nUpheldBy=%i.target\nWantedBy=%p.target %j-%N.target %%.target\n".replacing(
        " %%.target", with: "")
    }
    #expect(
      found.map(\.path) == [
        "app-my-app@one.target.wants/my-app@one.service", "my-app.target.wants/my-app@one.service",
        "one.target.upholds/my-app@one.service",
      ])
    #expect(found.allSatisfy { $0.target == "/u/my-app@.service" })
  }

  @Test func presetsLeaveAloneWhatHasNothingToInstall() throws {
    var presets = Presets()
    try presets.append([UInt8]("ignore i.service\nenable *\n".utf8), file: "p")
    let units = [
      "a.service": "[Install]\nWantedBy=x.target\n", "i.service": "[Install]\nWantedBy=x.target\n",
      "s.service": "[Unit]\n",
      "t@.service": "[Install]\nWantedBy=x.target\n",
    ]
    let found = try UnitEnablement.links(presets: presets, names: units.keys.compactMap { UnitName($0) }) {
      name throws(NativeActionError) in
      guard let text = units[name.text] else { return nil }
      return UnitEnablement.Unit(
        name: name, path: name.text, file: try UnitFile.parse([UInt8](text.utf8), file: "f"))
    }
    #expect(found.map(\.path) == ["x.target.wants/a.service"])
  }
}
