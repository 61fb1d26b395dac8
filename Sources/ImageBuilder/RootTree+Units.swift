internal import Bytes
internal import Manifest
internal import NativeActions

extension RootTree {
  /// Where systemd looks for unit files, the first place first (systemd.unit(5), without /run).
  static let unitDirectories = [
    "etc/systemd/system", "usr/local/lib/systemd/system", "usr/lib/systemd/system",
  ]

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

  /// A unit's drop-ins in the order of their names, wherever they are. Of one name, that of the most specific directory
  /// counts, and of the first place that units are looked for; one that is empty, or leads to nothing, drops the others.
  private func dropIns(of name: UnitName) -> [(file: String, bytes: [UInt8])] {
    var chosen: [ExactString: (path: String, bytes: [UInt8])] = [:]
    for owner in Self.dropInOwners(of: name) {
      for directory in Self.unitDirectories {
        let place = "\(directory)/\(owner).d"
        guard self[place] != nil else { continue }
        for path in paths(below: place) where Self.parent(of: path) == place && path.hasSuffix(".conf") {
          let file = ExactString(Self.name(of: path))
          if chosen[file] == nil { chosen[file] = (path, node(at: path)?.bytes ?? []) }
        }
      }
    }
    return chosen.sorted { $0.key < $1.key }.map { ("/\($0.value.path)", $0.value.bytes) }
  }

  /// Whose drop-ins a unit has (systemd.unit(5)): its own, its template's, those of all units whose names begin as far as
  /// a dash as its own does, those of its type.
  private static func dropInOwners(of name: UnitName) -> [String] {
    var owners = [name, name.template].compactMap { $0?.text }
    var stem = name.prefix[...]
    while let dash = stem.dropLast().lastIndex(of: "-") {
      stem = stem[...dash]
      owners.append("\(stem)\(name.instance == nil ? "" : "@").\(name.type)")
      owners.append("\(stem).\(name.type)")
    }
    return owners + [name.type]
  }
}
