import Testing

@testable import NativeActions

@Suite struct UnitFileTests {
  static let golden = """
    # comment
    [Unit]
    Description=Two \\
      ; comment in between
      lines
    After=a.target  b.target

    [Service]
    ExecStartPre=-/bin/one --x ; @!/bin/two name
    ExecStart=/bin/dropped
    ExecStart=
    ExecStart="/opt/with space/three" a;b \\; c
    ExecStop=/bin/kill\\x2dall $MAINPID
    [Install]
    WantedBy=multi-user.target graphical.target
    WantedBy=
    WantedBy="dev-disk\\x2d1.device"
    Alias=%p-alias.service
    """

  private func parse(_ text: String, dropIns: [String] = []) throws -> UnitFile {
    try UnitFile.parse(
      [UInt8](text.utf8), file: "x.service",
      dropIns: dropIns.enumerated().map { ("\($0.offset).conf", [UInt8]($0.element.utf8)) })
  }

  @Test func readsSectionsContinuationsAndResets() throws {
    let unit = try parse(Self.golden)
    #expect(unit.value("Unit", "Description") == "Two  lines")
    #expect(try unit.words("Unit", "After") == ["a.target", "b.target"])
    #expect(try unit.words("Install", "WantedBy") == ["dev-disk\\x2d1.device"])
    #expect(unit.value("Service", "User") == nil)
    #expect(unit.settings.first { $0.key == "After" }?.origin == "x.service:6")
  }

  @Test func findsPrograms() throws {
    let programs = try parse(Self.golden).executables()
    #expect(programs.map(\.program) == ["/bin/one", "/bin/two", "/opt/with space/three", "/bin/kill-all"])
    #expect(programs.map(\.mayFail) == [true, false, false, false])
    #expect(programs[0].origin == "x.service:9")
  }

  @Test func dropInsAddAndReset() throws {
    let unit = try parse(
      "[Service]\nExecStart=/bin/a\nUser=a\n",
      dropIns: ["[Service]\nExecStart=\nExecStart=/bin/b\n", "[Service]\nUser=b\n"])
    #expect(try unit.executables().map(\.program) == ["/bin/b"])
    #expect(unit.value("Service", "User") == "b")
  }

  @Test func aBackslashBeforeABlankOrAnotherBackslashContinuesNothing() throws {
    let unit = try parse("[A]\nx=1\\ \ny=2\\\\\nz=3\\\n")
    #expect(unit.value("A", "x") == "1\\")
    #expect(unit.value("A", "y") == "2\\\\")
    #expect(unit.value("A", "z") == "3")
  }

  @Test(arguments: ["x=1", "[A\n", "[]\n", "[A]\nnothing\n", "[A]\n=x\n"])
  func malformedFiles(_ text: String) {
    #expect(code { _ = try parse(text) } == .malformed)
  }

  @Test func malformedCommandsAndWords() throws {
    #expect(code { _ = try parse("[Service]\nExecStart=\"/bin/x\n").executables() } == .malformed)
    #expect(code { _ = try parse("[Service]\nExecStart=-@\n").executables() } == .malformed)
    #expect(code { _ = try parse("[Install]\nAlias='x\n").words("Install", "Alias") } == .malformed)
  }

  @Test func continuationsWithoutEndAreLimited() {
    let line = String(repeating: "a", count: 60_000) + "\\\n"
    #expect(code { _ = try parse("[A]\nx=" + String(repeating: line, count: 40)) } == .limitExceeded)
  }

  @Test func prefixesNeverTrap() {
    let bytes = [UInt8](Self.golden.utf8)
    for count in 0..<bytes.count {
      let unit = try? UnitFile.parse([UInt8](bytes[..<count]), file: "x")
      #expect(((try? unit?.executables())??.count ?? 0) <= 5)
    }
  }
}
