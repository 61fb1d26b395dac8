import Bytes
@testable import DebianArchive

/// Writes Packages files by hand.
enum SolverFixture {
  /// A paragraph; `fields` are lines such as `Depends: a, b`.
  static func paragraph(_ name: String, _ version: String = "1", _ fields: String...) -> String {
    paragraph(name, version, fields: fields)
  }

  static func paragraph(_ name: String, _ version: String, fields: [String]) -> String {
    var lines = ["Package: \(name)", "Version: \(version)"]
    if !fields.contains(where: { $0.hasPrefix("Architecture:") }) { lines.append("Architecture: amd64") }
    let digest = SHA256.digest(of: Array("\(name) \(version)".utf8)).hex
    let defaults = ["Filename": "pool/\(name)_\(version).deb", "Size": "1000", "SHA256": digest]
    for (field, value) in defaults.sorted(by: { $0.key < $1.key })
    where !fields.contains(where: { $0.hasPrefix(field + ":") }) {
      lines.append("\(field): \(value)")
    }
    return (lines + fields).joined(separator: "\n") + "\n"
  }

  static func index(_ paragraphs: String..., archive: String = "debian") -> PackageIndex {
    PackageIndex(
      archive: archive, name: "\(archive) test main", text: Array(paragraphs.joined(separator: "\n").utf8))
  }

  static func solve(
    _ names: [String], over indexes: PackageIndex..., excluded: [String] = [],
    preferred: [String: String] = [:],
    buildOnly: [String] = []
  ) throws(ArchiveError) -> Solution {
    var request = SolverRequest(architecture: "amd64", wanted: names.map(wanted))
    request.excluded = excluded
    request.preferred = preferred
    request.buildOnly = buildOnly.map(wanted)
    return try PackageSolver.solve(request, over: indexes)
  }

  static func wanted(_ text: String) -> SolverRequest.Wanted {
    let parts = text.split(separator: "=", maxSplits: 1).map(String.init)
    return SolverRequest.Wanted(
      name: parts[0], version: parts.count > 1 ? parts[1] : nil, origin: "image router")
  }
}

extension Solution {
  /// `name=version` of each package, in order.
  var summary: [String] { packages.map { "\($0.name)=\($0.version)" } }

  func why(_ name: String) -> [String]? { packages.first { $0.name == name }?.why }
}
