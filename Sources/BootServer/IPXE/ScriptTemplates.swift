internal import FoundationEssentials

/// The templates of the scripts that iPXE gets: the built-in ones, or a site's own of the same name.
package struct ScriptTemplates: Sendable {
  /// What a script is for.
  package enum Name: String, Sendable, Hashable, CaseIterable {
    /// Loads the UKI, on UEFI.
    case uefi = "boot-uefi.ipxe"
    /// Loads kernel and initrd, on BIOS.
    case bios = "boot-bios.ipxe"
    /// On to the next boot device.
    case localDisk = "local-disk.ipxe"
    /// Says why there is nothing to boot, waits, and tries again.
    case hold = "hold.ipxe"
  }

  private let templates: [Name: ScriptTemplate]

  /// - Parameter directory: Where a site keeps its own; `nil` for the built-in ones alone.
  /// - Throws: ``BootServerError`` `.template` or `.inputOutput`.
  package init(directory: String?) throws {
    var templates: [Name: ScriptTemplate] = [:]
    for name in Name.allCases {
      let path = directory.map { "\($0)/\(name.rawValue)" }
      if let path, let data = FileManager.default.contents(atPath: path) {
        guard data.count <= 64 << 10, let text = String(validating: data, as: UTF8.self) else {
          throw BootServerError(.template, "\(path) is no template: it is not UTF-8 text of at most 64 KiB")
        }
        templates[name] = try ScriptTemplate(text, file: path)
      } else {
        templates[name] = try ScriptTemplate(Self.builtIn(name), file: "pxe/templates/\(name.rawValue)")
      }
    }
    if let directory, !FileManager.default.fileExists(atPath: directory) {
      throw BootServerError(
        .inputOutput, "there is no directory \(directory) for iPXE templates: correct ipxe.templates")
    }
    self.templates = templates
  }

  package func render(_ name: Name, _ values: [ScriptTemplate.Variable: String]) throws(BootServerError)
    -> String
  {
    guard let template = templates[name] else {
      throw BootServerError(.template, "there is no \(name.rawValue)")
    }
    return try template.render(values)
  }

  /// The text of a built-in template; the same as the file in `pxe/templates`.
  package static func builtIn(_ name: Name) -> String {
    switch name {
    case .uefi:
      """
      #!ipxe
      # UEFI: the whole image is one EFI program, which has its command line in itself. iPXE would hand it the program's
      # name as another, and no name is none.
      echo {{ device.name }}: {{ release.name }} {{ release.version }}
      kernel --name= {{ uki.url }} || goto failed
      boot || goto failed
      :failed
      echo {{ device.name }} could not load {{ uki.url }}; trying again in 10 s
      sleep 10
      reboot

      """
    case .bios:
      """
      #!ipxe
      # BIOS: kernel and initrd, with the image's own command line.
      echo {{ device.name }}: {{ release.name }} {{ release.version }}
      kernel {{ kernel.url }} {{ kernel.commandLine }} || goto failed
      initrd {{ initrd.url }} || goto failed
      boot || goto failed
      :failed
      echo {{ device.name }} could not load {{ release.name }} {{ release.version }}; trying again in 10 s
      sleep 10
      reboot

      """
    case .localDisk:
      """
      #!ipxe
      echo {{ message }}
      # Firmware goes on to the next device in its boot order.
      exit

      """
    case .hold:
      """
      #!ipxe
      echo {{ message }}
      echo Trying again in 30 s
      sleep 30
      reboot

      """
    }
  }
}
