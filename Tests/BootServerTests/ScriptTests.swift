import BootServer
import Foundation
import TestSupport
import Testing

@Suite struct ScriptTests {
  private let values: [ScriptTemplate.Variable: String] = [
    .deviceName: "edge-1", .releaseName: "minimal", .releaseVersion: "1.0", .releaseDigest: "00",
    .ukiURL: "http://192.0.2.1:8080/u", .kernelURL: "http://192.0.2.1:8080/k",
    .initrdURL: "http://192.0.2.1:8080/i",
    .commandLine: "console=ttyS0 quiet netimg.index=00", .message: "why not",
  ]

  @Test func builtInTemplatesRenderToWhatDevicesGet() throws {
    let templates = try ScriptTemplates(directory: nil)
    #expect(
      try templates.render(.uefi, values) == """
        #!ipxe
        # UEFI: the whole image is one EFI program, which has its command line in itself. iPXE would hand it the program's
        # name as another, and no name is none.
        echo edge-1: minimal 1.0
        kernel --name= http://192.0.2.1:8080/u || goto failed
        boot || goto failed
        :failed
        echo edge-1 could not load http://192.0.2.1:8080/u; trying again in 10 s
        sleep 10
        reboot

        """)
    let bios = try templates.render(.bios, values)
    #expect(
      bios.contains("\nkernel http://192.0.2.1:8080/k console=ttyS0 quiet netimg.index=00 || goto failed\n"))
    #expect(bios.contains("\ninitrd http://192.0.2.1:8080/i || goto failed\n"))
    #expect(try templates.render(.localDisk, values).contains("\necho why not\n"))
    #expect(try templates.render(.hold, values).contains("\necho why not\n"))
  }

  @Test func theFilesInTheRepositoryAreTheBuiltInOnes() throws {
    let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appendingPathComponent("pxe/templates")
    for name in ScriptTemplates.Name.allCases {
      let text = try String(contentsOf: directory.appendingPathComponent(name.rawValue), encoding: .utf8)
      #expect(text == ScriptTemplates.builtIn(name), "pxe/templates/\(name.rawValue)")
    }
    let names = try FileManager.default.contentsOfDirectory(atPath: directory.path)
    #expect(Set(names) == Set(ScriptTemplates.Name.allCases.map(\.rawValue)))
  }

  @Test func aSitesOwnTemplateReplacesOne() async throws {
    try await withScratchDirectory { scratch async throws in
      try Data("#!ipxe\nchain {{uki.url}} {{ uki.url }}\n".utf8)
        .write(to: scratch.appendingPathComponent("boot-uefi.ipxe"))
      let templates = try ScriptTemplates(directory: scratch.path)
      #expect(
        try templates.render(.uefi, values)
          == "#!ipxe\nchain http://192.0.2.1:8080/u http://192.0.2.1:8080/u\n")
      #expect(try templates.render(.hold, values) == ScriptTemplates(directory: nil).render(.hold, values))
    }
    let error = #expect(throws: BootServerError.self) { try ScriptTemplates(directory: "/nonexistent") }
    #expect(error?.code == .inputOutput)
  }

  @Test(arguments: [
    ("a\nb {{ nothing }}", "f:2:3: there is no variable nothing"), ("{{ uki.url", "f:1:1: {{ has no }}"),
    ("{{}}", "f:1:1: there is no variable"),
  ])
  func aWrongTemplateSaysWhere(_ text: String, _ expected: String) {
    let error = #expect(throws: BootServerError.self) { try ScriptTemplate(text, file: "f") }
    #expect(error?.code == .template && error?.message.hasPrefix(expected) == true)
  }

  @Test(arguments: [
    (ScriptTemplate.Variable.ukiURL, "http://h/a b"), (.deviceName, "a\nreboot"), (.commandLine, "a\nb"),
    (.message, "${cmdline}"), (.ukiURL, "http://h/é"), (.releaseVersion, "1\u{7f}"), (.message, "a\u{0}"),
  ])
  func aValueIsNeverMoreThanAValue(_ variable: ScriptTemplate.Variable, _ value: String) throws {
    let template = try ScriptTemplate("x {{ \(variable.rawValue) }}", file: "f")
    #expect(throws: BootServerError.self) { try template.render([variable: value]) }
    #expect(throws: BootServerError.self) { try template.render([:]) }
  }

  @Test func aTemplateSaysWhatItNames() throws {
    let template = try ScriptTemplate("{{ message }} {{ uki.url }} {{message}} ${net0/mac} {x}", file: "f")
    #expect(template.variables == [.message, .ukiURL])
    #expect(try template.render([.message: "m", .ukiURL: "u"]) == "m u m ${net0/mac} {x}")
  }
}
