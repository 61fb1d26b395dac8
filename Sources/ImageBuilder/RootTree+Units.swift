internal import Manifest
internal import NativeActions

extension RootTree {
  /// Where systemd looks for unit files, the first place first (systemd.unit(5), without /run).
  private static let unitDirectories = ["etc/systemd/system", "usr/lib/systemd/system"]

  /// Enables exactly the units that the manifests name, and masks those that they mask.
  ///
  /// Presets of packages do not count: what runs on a device is what the manifest says. The preset file that is
  /// written says the same to systemd, should it ever be asked to reset a unit.
  mutating func enableUnits(_ enabled: [Located<String>], masked: [Located<String>]) throws {
    var names: [UnitName] = []
    for unit in enabled {
      guard let name = UnitName(unit.value),
        try unitFile(name) ?? name.template.flatMap({ try unitFile($0) }) != nil
      else {
        throw BuildError(
          .manifest,
          "\(unit.location): the image has no unit \(unit.value): add its package, or correct the name")
      }
      names.append(name)
    }
    let root = self
    let links = try UnitEnablement.links(enabling: names) { name throws(NativeActionError) in
      try root.unitFile(name)
    }
    for link in links { putLink("etc/systemd/system/\(link.path)", to: link.target) }
    for unit in masked {
      guard let name = UnitName(unit.value) else {
        throw BuildError(.manifest, "\(unit.location): \(unit.value) is no unit's name")
      }
      let link = UnitEnablement.mask(name)
      putLink("etc/systemd/system/\(link.path)", to: link.target)
    }
    let lines = enabled.map(\.value).sorted().map { "enable \($0)\n" } + ["disable *\n"]
    putFile("usr/lib/systemd/system-preset/00-netimg.preset", Array(lines.joined().utf8))
  }

  /// The file of that name with its drop-ins; `nil` if there is none. A mask in `/etc` does not hide a package's file.
  func unitFile(_ name: UnitName) throws(NativeActionError) -> UnitEnablement.Unit? {
    for directory in Self.unitDirectories {
      guard let real = resolve("\(directory)/\(name.text)"), let bytes = self[real]?.bytes,
        let realName = UnitName(Self.name(of: real))
      else { continue }
      return UnitEnablement.Unit(
        name: realName, path: "/\(real)",
        file: try UnitFile.parse(bytes, file: "/\(real)", dropIns: dropIns(of: name)))
    }
    return nil
  }

  private func dropIns(of name: UnitName) -> [(file: String, bytes: [UInt8])] {
    Self.unitDirectories.reversed().flatMap { directory in
      let place = "\(directory)/\(name.text).d"
      return (self[place] == nil ? [] : paths(below: place)).filter { $0.hasSuffix(".conf") }
        .compactMap { path in self[path]?.bytes.map { ("/\(path)", $0) } }
    }
  }
}
