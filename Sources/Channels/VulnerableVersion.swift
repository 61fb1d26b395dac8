internal import DebianPackage
internal import Signing

/// Versions of a package that no release of a channel may hold: `openssl < 3.5.1-1`, `xz-utils = 5.6.0-1`, or `telnet` for
/// all of them. The name is that of a binary package, or of the source package that one was built from.
package struct VulnerableVersion: Sendable, Hashable, CustomStringConvertible {
  package enum Relation: String, Sendable, Hashable {
    case earlier = "<"
    case equal = "="
  }

  package let package: String
  /// `nil` where every version counts.
  package let relation: Relation?
  package let version: String

  /// `nil` for anything but the three forms, with a version that dpkg would take.
  package init?(_ text: String) {
    let words = text.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    guard let name = words.first, (2...128).contains(name.utf8.count),
      name.utf8.allSatisfy({
        (0x30...0x39).contains($0) || (0x61...0x7a).contains($0) || [0x2b, 0x2d, 0x2e].contains($0)
      })
    else { return nil }
    package = name
    switch words.count {
    case 1: (relation, version) = (nil, "")
    case 3:
      guard let relation = Relation(rawValue: words[1]), (try? DebianVersion(words[2])) != nil else {
        return nil
      }
      (self.relation, version) = (relation, words[2])
    default: return nil
    }
  }

  package var description: String {
    relation.map { "\(package) \($0.rawValue) \(version)" } ?? package
  }

  /// Whether a package of that version is one of these. A version that is none counts as one.
  func holds(_ text: String?) -> Bool {
    guard let relation else { return true }
    guard let found = text.flatMap({ try? DebianVersion($0) }), let bound = try? DebianVersion(version) else {
      return true
    }
    switch relation {
    case .earlier: return found < bound
    case .equal: return found == bound
    }
  }

  /// The packages of an SPDX document that are among these, as `name version`, in its order.
  /// - Throws: `badRelease` if it is no SPDX document that a build makes.
  static func found(in sbom: [UInt8], listed: [VulnerableVersion]) throws(ChannelError) -> [String] {
    let wrong = ChannelError(.badRelease, "the release's SBOM is no SPDX document; build the release anew")
    let document: JSONValue
    do { document = try JSONParser.parse(sbom, maximumSize: sbom.count, maximumDepth: 32) } catch {
      throw wrong
    }
    guard let packages = document["packages"]?.elements else { throw wrong }
    let sourcePrefix = "built from the Debian source package "
    var found: [String] = []
    for package in packages {
      guard let name = package["name"]?.text else { throw wrong }
      let version = package["versionInfo"]?.text
      let source = package["sourceInfo"]?.text.flatMap { text in
        text.hasPrefix(sourcePrefix) ? text.dropFirst(sourcePrefix.count).prefix { $0 != " " } : nil
      }
      let isListed = listed.contains { entry in
        (entry.package == name || source.map { $0 == entry.package } == true) && entry.holds(version)
      }
      if isListed { found.append("\(name) \(version ?? "of no version")") }
    }
    return found
  }
}
